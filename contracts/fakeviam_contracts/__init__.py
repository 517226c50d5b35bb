"""The contract kit: property-based tests that prove a server against the documentation."""
