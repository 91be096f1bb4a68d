"""The peers that bench/burst.py measures beside us, each set as its own documentation and our tries find it best."""
