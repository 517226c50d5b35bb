"""Laws that campaigns hold a fake to."""

from __future__ import annotations


class BrokenLawError(Exception):
    """A law does not hold."""

    def __init__(self, law: str, what: object) -> None:
        """Say which law, and what happened instead."""
        super().__init__(f"{law}: {what}")
        self.law = law
        self.what = str(what)


def require(holds: object, law: str, what: object) -> None:
    """Raise if a law does not hold.

    Raises:
        BrokenLawError: It does not; `what` happened instead.
    """
    if not holds:
        raise BrokenLawError(law, what)
