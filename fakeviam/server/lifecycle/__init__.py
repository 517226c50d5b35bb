"""Servers, sessions and snapshots: what begins, ends and is held by tests."""
