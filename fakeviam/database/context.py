"""What the commands of a connection know, and what they may see."""

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
    """What a command knows of who sent it.

    Attributes:
        database: Which database it is for.
        owner: Whose cursors it may use.
        user: The name of the database user.
        run: Runs stages over these readings.
        transform: Runs stages over other documents.
        cursors: The open cursors.
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
        """Answer with documents, batch by batch."""
        return self.cursors.first_reply(
            documents,
            namespace=f"{self.database}.{COLLECTION}",
            owner=self.owner,
            size=size,
            single=single,
        )

    def unauthorized(self, command: Document, detail: str = "") -> QueryError:
        """Refuse a command that no database user may send."""
        return refused_as_unauthorized(self.database, command, detail)


def refused_as_unauthorized(database: str, command: Document, detail: str = "") -> QueryError:
    """Refuse a command in MongoDB's words."""
    name = next(iter(command))
    text = f"not authorized on {database} to execute command {{ {name}: {command[name]!r:.80} }}"
    return QueryError(UNAUTHORIZED, f"{text}{detail}: the federated database is read-only")
