"""Exported reports: what a definition says, its parameters at a slot, and its rows on their way into files."""
