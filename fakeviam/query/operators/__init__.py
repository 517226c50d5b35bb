"""Operators of expressions, by topic."""
