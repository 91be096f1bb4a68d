"""A model that writes: asked turn by turn, each paid once, with the tenant's graphs as its only tools."""
