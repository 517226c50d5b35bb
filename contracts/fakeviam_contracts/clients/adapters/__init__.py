"""Programs that put a client behind the protocol; each runs in its client's own environment."""
