"""Log events and metrics: what each process tells about itself."""
