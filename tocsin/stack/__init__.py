"""A stack: what a tenant keeps in files. They are read, compared with what is there, and applied as a whole or not at all."""
