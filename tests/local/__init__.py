"""Embedded servers, the mail sink and the sample data."""
