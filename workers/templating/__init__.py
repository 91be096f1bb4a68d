"""Messages as a tenant words them: a small language, rendered apart from everything else."""
