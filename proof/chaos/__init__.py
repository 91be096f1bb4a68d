"""A whole Tocsin on loopback under a nemesis, and the verdict on what it did: `tocsin chaos`."""
