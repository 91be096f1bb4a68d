"""WHAT: turns messages into outcomes."""
