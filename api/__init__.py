"""The web: health, readiness, metrics, and what an installation can do and is made of."""
