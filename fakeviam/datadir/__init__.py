"""State that outlives the process: an archive to begin with, and a log of what followed (DD-1)."""

from fakeviam.datadir.directory import DataDir

__all__ = ["DataDir"]
