"""The state of one isolated cloud, and the call that works on it."""
