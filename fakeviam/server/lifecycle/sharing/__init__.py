"""What the servers on one database have in common besides data (MG-2, MG-3, MG-4)."""
