"""How the open points of the documentation are interpreted.

The kit's own list, so that it is a second opinion: it shares no code with the fake's policies,
only the names of their fields. An interpretation says what a subject is expected to be; a subject
that decides a point otherwise differs, and the session goes on with what it was seen to do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.policy_file import SUFFIX, read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpretation:
    """One way to interpret the documents; each field is an open point.

    Attributes:
        default_order: A1: the order of pages without a sort order.
        interval_bounds: A2: closed, half-open, open-start or open.
        interval_clock: A3: which time an interval looks at.
        count: A4: what `count` says in a page with data.
        max_page: A6: the largest page; None serves what is asked.
        beyond_max_page: A6: whether a larger limit is clamped or refused.
        binary_page: A57: the largest page with bytes, refused beyond; None is as `max_page`.
        remove_tags_count: A8: removed tags, or records that lost one.
        dataset_label: A10: whether membership shows as a tag.
        unknown_ids: A13: whether unknown ids are skipped or refused.
        unknown_dataset: A27: whether uploads into unknown datasets skip these or are refused.
        unknown_members: A40: whether unknown datasets can be added to and removed from.
        deprecated_binary_id: A14: whether `BinaryID` messages are accepted.
        empty_delete_filter: A16: a delete filter without organization.
        empty_or: A17: what MATCH_BY_OR without tags selects.
        file_filters_on_rows: A18: whether readings are selected by boxes and datasets.
        mime_filter_on_rows: A18: whether the MIME type of readings is compared.
        visibility: A55: after how many seconds an upload is seen.
        time_received: A32: the uploaded time, or the moment of storing.
        tags_by_filter_scope: A47: whose tags TagsByFilter gives.
        page_token: A56: a token that the subject never gave.
        label_is_tag: FI-12: whether TAGGED and UNTAGGED count membership as a tag.
        delete_days: DT-2: UTC calendar days, or periods of 24 hours.
        extended_json: MQ-11: whether Extended JSON inside BSON stands for its value.
        strings: FI-4: how strings compare.
        lists: FI-5: which values of a list count.
    """

    name: str = "documented"
    default_order: str = "descending"
    interval_bounds: str = "closed"
    interval_clock: str = "time_requested"
    count: str = "page"
    max_page: int | None = None
    beyond_max_page: str = "clamp"
    binary_page: int | None = None
    remove_tags_count: str = "tags"
    dataset_label: str = "shown"
    unknown_ids: str = "skip"
    unknown_dataset: str = "refuse"
    unknown_members: str = "refuse"
    deprecated_binary_id: str = "accept"
    empty_delete_filter: str = "delete-everything"
    empty_or: str = "everything"
    file_filters_on_rows: str = "none"
    mime_filter_on_rows: str = "compare"
    time_received: str = "uploaded"
    visibility: int = 0
    tags_by_filter_scope: str = "binary-and-tabular"
    page_token: str = "refuse"  # noqa: S105 - a rule, not a secret
    label_is_tag: str = "no"
    delete_days: str = "calendar"
    extended_json: str = "expand"
    strings: str = "exact"
    lists: str = "any"

    @classmethod
    def named(cls, name: str) -> Interpretation:
        """The interpretation of that name: documented, observed, strict or that of a policy file.

        Raises:
            ValueError: There is none, or the file cannot be read or is invalid.
        """
        if name.endswith(SUFFIX):
            return cls(name=name, **_of_file(name))
        if name not in _PRESETS:
            message = f"policy must be one of {', '.join(_PRESETS)} or a .toml file, got {name!r}"
            raise ValueError(message)
        return cls(name=name, **_PRESETS[name])


def _of_file(path: str) -> dict[str, Any]:
    """What a file like those of `calibrate` expects; its other fields a run finds out anyway."""
    policy = read_policy(path)
    names = {field.name for field in fields(policy)}
    shared = {f.name for f in fields(Interpretation)} & names - {"max_page", "binary_page"}
    expected = {name: getattr(policy, name) for name in shared}
    largest = policy.max_page
    if largest is not None:
        expected |= {"max_page": largest.size, "beyond_max_page": largest.beyond}
    with_bytes = policy.binary_page or largest
    return expected | {
        "binary_page": None if with_bytes is None else with_bytes.size,
        "visibility": math.ceil(policy.visibility_lag.total_seconds()),
        "unknown_members": policy.unknown_dataset,
        "extended_json": policy.extended_json_in_bson,
    }


_PRESETS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "documented": {},
        "observed": {
            "remove_tags_count": "records",
            "dataset_label": "hidden",
            "empty_delete_filter": "refuse",
            "page_token": "ignore",
        },
        "strict": {
            "remove_tags_count": "records",
            "empty_delete_filter": "refuse",
            "unknown_ids": "refuse",
            "max_page": 100,
            "beyond_max_page": "refuse",
            "binary_page": 1,
            "deprecated_binary_id": "refuse",
            "extended_json": "refuse",
        },
    }
)

#: The clause that names each open point.
CLAUSES: Mapping[str, str] = MappingProxyType(
    {
        "default_order": "A1",
        "interval_bounds": "A2",
        "interval_clock": "A3",
        "count": "A4",
        "max_page": "A6",
        "beyond_max_page": "A6",
        "binary_page": "A57",
        "remove_tags_count": "A8",
        "dataset_label": "A10",
        "unknown_ids": "A13",
        "unknown_dataset": "A27",
        "unknown_members": "A40",
        "deprecated_binary_id": "A14",
        "empty_delete_filter": "A16",
        "empty_or": "A17",
        "file_filters_on_rows": "A18",
        "mime_filter_on_rows": "A18",
        "time_received": "A32",
        "visibility": "A55",
        "tags_by_filter_scope": "A47",
        "page_token": "A56",
        "label_is_tag": "FI-12",
        "delete_days": "DT-2",
        "extended_json": "MQ-11",
        "strings": "FI-4",
        "lists": "FI-5",
    }
)

#: Open points where clients rely on our interpretation: another answer is not legal.
RELIED_ON = frozenset({"A4", "FI-4"})

#: What each point that decides which records are selected can be.
ALTERNATIVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "interval_bounds": ("closed", "half-open", "open-start", "open"),
        "interval_clock": ("time_requested", "time_received"),
        "dataset_label": ("shown", "hidden"),
        "empty_or": ("everything", "nothing"),
        "tags_by_filter_scope": ("binary-and-tabular", "binary"),
        "file_filters_on_rows": ("none", "ignored"),
        "mime_filter_on_rows": ("compare", "ignored", "none"),
        "label_is_tag": ("no", "yes"),
        "strings": ("exact", "casefold", "prefix"),
        "lists": ("any", "last", "first"),
    }
)
