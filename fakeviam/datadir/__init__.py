"""State that outlives the process: a log of an initial state and every write since (DD-1)."""

from fakeviam.datadir.directory import DataDir, Dropped, Durability

__all__ = ["DataDir", "Dropped", "Durability"]
