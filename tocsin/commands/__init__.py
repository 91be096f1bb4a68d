"""The words of the command, one noun a file; each adds its parsers and loads what it needs only when it runs."""
