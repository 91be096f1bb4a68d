"""The tests; the folders mirror the rooms, and the fixtures are in conftest.py."""
