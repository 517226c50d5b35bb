"""Following pages to their end."""

from __future__ import annotations

#: Records a request asks for; the most that every server gives (PG-2).
PAGE = 100


class PagingError(RuntimeError):
    """The server's pages go round in circles: following them would never end."""


class Cursor:
    """The `last` of the pages so far; notices a token that comes again (PG-4).

    It compares with one remembered token and remembers another after 1, 2, 4, 8 … pages
    (Brent's way of finding cycles), so a cycle of any length is found in little memory.
    """

    def __init__(self, last: str) -> None:
        """Start after `last`."""
        self.last = last
        self._remembered = last
        self._steps = 0
        self._until = 1

    def advance(self, last: str) -> None:
        """Take the `last` of a page that held records.

        Raises:
            PagingError: It came before, or it is empty, which would start all over.
        """
        if last in ("", self.last, self._remembered):
            shown = repr(last) if last else "an empty token, which means the beginning"
            message = (
                f"the server answered records and {shown} as `last`, which it had given before: "
                "paging on would never end"
            )
            raise PagingError(message)
        self.last = last
        self._steps += 1
        if self._steps == self._until:
            self._remembered, self._steps, self._until = last, 0, self._until * 2
