"""Disputed points, each a named field instead of an `if`.

In places the documentation is contradictory or silent. Each field names the point it decides (A1 …
A60 in the clause catalogue) and its alternatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Literal, get_args, get_origin, get_type_hints

from fakeviam.model.checks import check_choice, check_type, check_whole_number
from fakeviam.model.errors import UsageError
from fakeviam.model.text import short


@dataclass(frozen=True, slots=True)
class PageLimit:
    """The maximum page size, and how requests for larger pages are handled."""

    size: int
    beyond: Literal["clamp", "refuse"] = "clamp"

    def __post_init__(self) -> None:
        check_whole_number("size of a page limit", self.size, minimum=1)
        check_choice("beyond", self.beyond, ("clamp", "refuse"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How the fake decides the disputed points. Start from a preset and replace fields.

    Attributes:
        default_order: A1: order of pages when `sort_order` is unspecified.
        interval_bounds: A2: whether a record exactly at `end` is included.
        interval_clock: A3: the time that an interval applies to.
        count: A4: the meaning of `count` and `total_size_bytes` in a page with data.
        max_page: A6: the largest page; None has no limit. A reply with a reduced page has the
            trailer `fakeviam-note`.
        binary_page: A57: the largest page with bytes; None uses `max_page`.
        max_response_bytes: A53: maximum size of a reply with file bytes; None has no limit.
        max_request_bytes: A60: maximum size of one request message, 4 MiB in the service; None
            uses the server's `max_message_bytes`. Upload streams have no total limit.
        remove_tags_count: A8: whether to count removed tags over all records, or changed records.
        dataset_label: A10: whether membership appears as a tag `VIAM_DATASET_{id}`.
        empty_delete_filter: A16: a delete whose filter names no organization.
        unknown_ids: A13: ids of binary data that do not exist, in reads, deletes and tag calls.
        unknown_dataset: A27, A40: adding to, removing from or uploading to an unknown dataset.
        dataset_creation: AC-10: whether owners of locations and machines may create datasets, or
            only owners of organizations; Viam's pages disagree.
        duplicate_dataset_name: A39: status of a name that is already taken.
        invalid_part: A22: status of an upload for an unknown part.
        deprecated_binary_id: A14: requests that use `BinaryID` messages.
        empty_parameters: A34: a present but empty `additional_parameters`, which only
            ExportTabularData and GetLatestTabularData have.
        tags_by_filter_scope: A47: the data that TagsByFilter covers.
        legacy_field_1: A36: SQL and MQL replies for releases 0.20 to 0.32. Still unimplemented.
        extended_json_in_bson: MQ-11: `{"$date": …}` inside BSON.
        sql_needs_time_bound: SL-13: SQL finds nothing without a lower bound on `time_received`.
        visibility_lag: A55: how long an upload stays invisible to reads.
        page_token: A56: a `last` that this server did not issue is refused, or starts over: then
            a client that mangles its token reads the first page again and again.
    """

    default_order: Literal["descending", "ascending"] = "descending"
    interval_bounds: Literal["closed", "half-open"] = "closed"
    interval_clock: Literal["time_requested", "time_received"] = "time_requested"
    count: Literal["page", "total"] = "page"
    max_page: PageLimit | None = None
    binary_page: PageLimit | None = None
    max_response_bytes: int | None = None
    max_request_bytes: int | None = None
    remove_tags_count: Literal["tags", "records"] = "tags"
    dataset_label: Literal["shown", "hidden"] = "shown"
    empty_delete_filter: Literal["delete-everything", "refuse"] = "delete-everything"
    unknown_ids: Literal["skip", "refuse"] = "skip"
    unknown_dataset: Literal["refuse", "skip"] = "refuse"
    dataset_creation: Literal["any-owner", "organization-owner"] = "any-owner"
    duplicate_dataset_name: Literal["ALREADY_EXISTS", "INVALID_ARGUMENT", "UNKNOWN"] = (
        "ALREADY_EXISTS"
    )
    invalid_part: Literal["UNKNOWN", "NOT_FOUND", "INVALID_ARGUMENT"] = "UNKNOWN"
    deprecated_binary_id: Literal["accept", "refuse"] = "accept"
    empty_parameters: Literal["constraint", "absent"] = "constraint"
    tags_by_filter_scope: Literal["binary-and-tabular", "binary"] = "binary-and-tabular"
    legacy_field_1: Literal["left-out", "filled"] = "left-out"
    extended_json_in_bson: Literal["expand", "refuse"] = "expand"
    sql_needs_time_bound: bool = False
    visibility_lag: timedelta = timedelta(0)
    page_token: Literal["ignore", "refuse"] = "refuse"  # noqa: S105 - a rule, not a secret

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        if self.max_page is not None:
            check_type("max_page", self.max_page, PageLimit)
        check_type("sql_needs_time_bound", self.sql_needs_time_bound, bool)
        check_type("visibility_lag", self.visibility_lag, timedelta)
        if self.binary_page is not None:
            check_type("binary_page", self.binary_page, PageLimit)
        if self.max_response_bytes is not None:
            check_whole_number("max_response_bytes", self.max_response_bytes, minimum=1)
        if self.max_request_bytes is not None:
            check_whole_number("max_request_bytes", self.max_request_bytes, minimum=1)
        if self.visibility_lag < timedelta(0):
            raise UsageError(
                f"visibility_lag must not be negative, got {short(self.visibility_lag)}"
            )

    @classmethod
    def documented(cls) -> Policy:
        """The default: the documentation of viam-sdk 0.15.0 takes precedence, then newer texts."""
        return cls()

    @classmethod
    def observed(cls) -> Policy:
        """What clients rely on and users observed, where it contradicts the documentation."""
        return cls(
            max_response_bytes=4 * 1024 * 1024,
            max_request_bytes=4 * 1024 * 1024,
            remove_tags_count="records",
            dataset_label="hidden",
            empty_delete_filter="refuse",
            sql_needs_time_bound=True,
            page_token="ignore",  # noqa: S106 - the name of a rule, not a secret
        )

    @classmethod
    def strict(cls) -> Policy:
        """Like documented, but rejects questionable requests, such as unknown ids in a delete."""
        return cls(
            max_page=PageLimit(100, "refuse"),
            binary_page=PageLimit(1, "refuse"),
            max_response_bytes=4 * 1024 * 1024,
            max_request_bytes=4 * 1024 * 1024,
            remove_tags_count="records",
            empty_delete_filter="refuse",
            unknown_ids="refuse",
            dataset_creation="organization-owner",
            deprecated_binary_id="refuse",
            extended_json_in_bson="refuse",
        )

    @classmethod
    def preset(cls, name: str) -> Policy:
        """The preset with this name: documented, observed or strict."""
        presets = {"documented": cls.documented, "observed": cls.observed, "strict": cls.strict}
        if not isinstance(name, str) or name not in presets:  # type: ignore[redundant-expr]
            raise UsageError(f"policy must be one of {', '.join(presets)}, got {short(name)}")
        return presets[name]()

    @classmethod
    def of(cls, policy: Policy | str | None) -> Policy:
        """A policy itself, the preset with a name, or the default.

        Raises:
            UsageError: It is neither a policy nor the name of a preset.
        """
        if policy is None:
            return cls()
        if isinstance(policy, str):
            return cls.preset(policy)
        if not isinstance(policy, Policy):
            raise UsageError(
                f"policy must be a Policy or the name of a preset, got {short(policy)}"
            )
        return policy


# Computed once: resolving the annotations for every policy takes half a millisecond.
_CHOICES = MappingProxyType(
    {
        name: get_args(hint)
        for name, hint in get_type_hints(Policy).items()
        if get_origin(hint) is Literal
    }
)
