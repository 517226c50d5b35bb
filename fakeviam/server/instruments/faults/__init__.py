"""Planned faults: their definition, accounting and execution."""
