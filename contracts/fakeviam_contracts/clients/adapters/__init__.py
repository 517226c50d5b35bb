"""Programs that connect a client to the protocol; each runs in its client's environment."""
