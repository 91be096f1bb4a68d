"""The peers measured beside us, each set as its own documentation and our tries find it best."""
