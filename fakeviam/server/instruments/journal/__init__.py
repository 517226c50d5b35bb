"""The journal of calls, and queries on it."""
