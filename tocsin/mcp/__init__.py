"""What a model's program may ask Tocsin by the Model Context Protocol: a client of the HTTP API, under one token's rights."""
