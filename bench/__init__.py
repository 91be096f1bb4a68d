"""What the engine does a second, beside its peers, in one run: `make bench`, docs/benchmarks.md."""
