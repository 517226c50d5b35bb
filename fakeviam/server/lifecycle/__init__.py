"""Servers, sessions and snapshots: everything that tests start, stop or hold."""
