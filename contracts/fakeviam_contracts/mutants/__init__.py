"""A park of wrong servers and clients, each wrong in one way, that shows that the kit can fail."""
