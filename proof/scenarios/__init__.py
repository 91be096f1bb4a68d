"""The proof's figures, one command each: what a fault costs, and how long a Tocsin that is under load takes to be well again."""
