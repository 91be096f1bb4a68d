"""A whole Tocsin on one machine: embedded servers, a mail sink and real sample data."""
