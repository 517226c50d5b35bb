"""Where records live. Everything the server asks of a store is in `protocol`."""
