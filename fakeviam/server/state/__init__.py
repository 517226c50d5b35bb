"""The state of one isolated cloud, and of a call in progress."""
