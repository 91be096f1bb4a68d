"""What a pulse says, held to what its run knows: evidence, the check of a text against it, and the page made of both."""
