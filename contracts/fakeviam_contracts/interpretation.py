"""How the disputed points of the documentation are read.

The kit's own list, so that it is a second opinion: it shares no code with the fake's
policies. A server is checked under one reading; `documented` takes the documentation of
viam-sdk 0.15.0 at its word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpretation:
    """One way to read the documents; each field is a disputed point.

    Attributes:
        descending: A1: pages without a sort order start with the newest.
        end_inside: A2: a record exactly at the end of an interval is inside.
        counts_tags: A8: removing tags counts tags, not records.
        labels_shown: A10: membership shows as a tag.
        empty_delete: A16: a delete filter without organization deletes what matches.
        unknown_ids: A13: unknown ids are skipped, or refused.
        largest_page: A6: what a larger limit is cut to.
        large_limit: A6: or whether it is refused.
        deprecated_ids: A14: `BinaryID` is taken, or refused.
    """

    name: str = "documented"
    descending: bool = True
    end_inside: bool = True
    counts_tags: bool = True
    labels_shown: bool = True
    empty_delete: Literal["deletes", "refused"] = "deletes"
    unknown_ids: Literal["skipped", "refused"] = "skipped"
    largest_page: int = 100
    large_limit: Literal["cut", "refused"] = "cut"
    large_binary_limit: int | None = None
    deprecated_ids: Literal["taken", "refused"] = "taken"

    @classmethod
    def named(cls, name: str) -> Interpretation:
        """The reading of that name: documented, observed or strict.

        Raises:
            ValueError: There is none.
        """
        readings = {
            "documented": cls(),
            "observed": cls(
                name="observed", counts_tags=False, labels_shown=False, empty_delete="refused"
            ),
            "strict": cls(
                name="strict",
                counts_tags=False,
                empty_delete="refused",
                unknown_ids="refused",
                large_limit="refused",
                large_binary_limit=1,
                deprecated_ids="refused",
            ),
        }
        if name not in readings:
            message = f"policy must be one of {', '.join(readings)}, got {name!r}"
            raise ValueError(message)
        return readings[name]
