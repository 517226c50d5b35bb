"""The context of a command: the caller, its permissions and its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from fakeviam.query.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fakeviam.database.cursors import Cursors
    from fakeviam.query.values import Document


DATABASE: Final = "sensorData"
COLLECTION: Final = "readings"

Reply: TypeAlias = dict[str, Any]


UNAUTHORIZED: Final = 13


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The context of a command.

    Attributes:
        database: The target database.
        owner: The owner of the caller's cursors.
        user: The name of the database user.
        run: Runs stages over the caller's readings.
        transform: Runs stages over other documents.
        cursors: All open cursors.
        peer: The client's address.
    """

    database: str
    owner: str
    user: str
    run: Callable[[Sequence[Document]], list[Document]]
    transform: Callable[[list[Document], Sequence[Document]], list[Document]]
    cursors: Cursors
    peer: str

    def cursor(self, documents: list[Document], *, size: int | None, single: bool = False) -> Reply:
        """Reply with documents, in batches."""
        return self.cursors.first_reply(
            documents,
            namespace=f"{self.database}.{COLLECTION}",
            owner=self.owner,
            size=size,
            single=single,
        )

    def unauthorized(self, command: Document, detail: str = "") -> QueryError:
        """The error for a command that no database user may send."""
        return refused_as_unauthorized(self.database, command, detail)


def refused_as_unauthorized(database: str, command: Document, detail: str = "") -> QueryError:
    """The error for a command that is not permitted, in MongoDB's words."""
    name = next(iter(command))
    text = f"not authorized on {database} to execute command {{ {name}: {command[name]!r:.80} }}"
    return QueryError(UNAUTHORIZED, f"{text}{detail}: the federated database is read-only")
