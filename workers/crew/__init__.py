"""Calls of crews: what a fan-out reads and writes, how endpoints are asked, and what their answers are."""
