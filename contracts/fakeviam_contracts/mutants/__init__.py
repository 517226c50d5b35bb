"""Mutants: servers and clients that are wrong in one way each, to prove that the kit detects it."""
