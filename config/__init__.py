"""The environment, read once: every setting with what it takes."""
