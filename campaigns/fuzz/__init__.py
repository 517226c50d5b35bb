"""Inputs that no honest client sends, to everything that takes some."""
