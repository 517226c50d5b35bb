"""Servers that are killed, disks that are full, damaged files: what becomes of the data."""
