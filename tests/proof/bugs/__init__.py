"""Bugs that are planted into a Tocsin of the test's own, to see whether the judge of histories finds them."""
