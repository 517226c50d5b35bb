"""Where records are kept. `base.Store` defines what the server requires of a store."""
