"""State: the only code that imports psycopg."""
