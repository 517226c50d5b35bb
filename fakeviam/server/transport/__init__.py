"""Bytes, connections and the path of every call."""
