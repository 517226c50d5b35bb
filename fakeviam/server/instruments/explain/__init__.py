"""Explanations of replies, as values."""
