"""Schedules of other systems, read without running anything of them, and made here."""
