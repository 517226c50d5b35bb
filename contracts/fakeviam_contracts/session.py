"""One run against a subject: the wire, the model, and which server id is which handle."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam_contracts.assertions import AnyOf, Assertion, ContractBrokenError
from fakeviam_contracts.model import Box, File, FilterSpec, Model, Origin
from fakeviam_contracts.steps import HandleCounts, Step
from fakeviam_contracts.wirelog import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fakeviam_contracts.foreign_data import ForeignDataGuard
    from fakeviam_contracts.interpretation import Interpretation
    from fakeviam_contracts.wirelog import Wire

LABEL = "VIAM_DATASET_"


class Wrong(NamedTuple):
    """Something about a request that must be refused: with which status, by which clauses."""

    status: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the session may work.

    Attributes:
        parts: The parts it uploads for; all of one organization.
        component: If set, every record is of this component and every query asks for it, so
            that nothing else on a shared server is seen or touched.
        now: The subject's clock in ns, if it can be asked.
        advance: Moves the subject's clock by that many ns, if it can be moved.
        internal: A part whose data counts as internal (PG-10), if there is one.
        foreign: A part of another organization, if there is one.
        guard: On a shared server, what keeps writes by filter from the data of others.
    """

    parts: tuple[Origin, ...]
    component: str = ""
    now: Callable[[], int] | None = None
    advance: Callable[[int], None] | None = None
    internal: Origin | None = None
    foreign: Origin | None = None
    guard: ForeignDataGuard | None = None

    @property
    def exclusive(self) -> bool:
        """Whether everything on the subject is the session's own."""
        return not self.component

    @property
    def organization_id(self) -> str:
        """The organization of the parts."""
        return self.parts[0].organization_id


@dataclass(kw_only=True)
class Handles:
    """Server ids by handle, and back."""

    files: list[str] = field(default_factory=list)
    boxes: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def counts(self) -> HandleCounts:
        """How many of each have been created."""
        return HandleCounts(len(self.files), len(self.boxes), len(self.datasets))

    def file(self, binary_data_id: str) -> int | str:
        """The handle of a file, or the id itself if it is no file of ours."""
        return _place(self.files, binary_data_id)

    def box(self, bbox_id: str) -> int | str:
        """The handle of a box."""
        return _place(self.boxes, bbox_id)

    def dataset(self, dataset_id: str) -> int | str:
        """The handle of a dataset."""
        return _place(self.datasets, dataset_id)


def _place(ids: list[str], wanted: str) -> int | str:
    return ids.index(wanted) if wanted in ids else wanted


class Session:
    """Does things to subject and model alike, and compares."""

    def __init__(self, wire: Wire, place: Place, interpretation: Interpretation) -> None:
        """Work in `place` under `reading`."""
        self.wire = wire
        self.place = place if place.advance is None else replace(place, advance=self._advance)
        self._clock = place.advance
        self.interpretation = interpretation
        self.model = Model(interpretation)
        self.handles = Handles()
        self.claims = 0
        #: What was done, at the level of `reads` and `writes`, and the claim that ended it.
        self.steps: list[Step] = []
        self.broken: Assertion | None = None
        self.held: set[tuple[str, ...]] = set()
        self.inside = False
        #: Why something was not done, for the sake of what others have on the subject.
        self.left_out = ""

    def _advance(self, nanos: int) -> None:
        """Move the subject's clock, which is a step too."""
        self.begin_step("wait", (nanos,), {})
        if self._clock is not None:
            self._clock(nanos)
            self.wire.waited(nanos)

    def begin_step(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Record a step that begins now."""
        self.steps.append(Step(name, args, kwargs, self.handles.counts))

    # Comparing ---------------------------------------------------------------------------

    def expect(self, clauses: Iterable[str], what: str, expected: Any, observed: Any) -> None:
        """Compare.

        Raises:
            ContractBrokenError: They differ.
        """
        self.claims += 1
        claim = Assertion(tuple(clauses), what, expected, observed)
        if not claim.holds:
            self.broken = claim
            raise ContractBrokenError(claim)
        self.held.add(claim.clauses)

    def answered(self, clauses: Iterable[str], rpc: str, answer: Any) -> Any:
        """The answer of a call that must succeed."""
        if isinstance(answer, Refused):
            self.expect(clauses, f"status of {rpc}", "OK", str(answer))
        return answer

    def refused(self, rpc: str, answer: Any, wrongs: Sequence[Wrong]) -> bool:
        """Whether the call had to be refused; then checks that it was.

        Several things may be wrong at once; which of them a server names is its business.
        """
        if not wrongs:
            return False
        clauses = [clause for wrong in wrongs for clause in wrong.clauses]
        allowed = AnyOf(*dict.fromkeys(wrong.status for wrong in wrongs))
        got = answer.status if isinstance(answer, Refused) else "OK"
        self.expect(clauses, f"status of {rpc}", allowed, got)
        return True

    # Asking ------------------------------------------------------------------------------

    def within(self, spec: FilterSpec) -> FilterSpec:
        """The question, kept inside the place."""
        return replace(spec, component_name=self.place.component) if self.place.component else spec

    def filter(self, spec: FilterSpec) -> data.Filter:
        """The filter message of a question."""
        message = data.Filter(
            component_name=spec.component_name,
            component_type=spec.component_type,
            method=spec.method,
            robot_name=spec.robot_name,
            robot_id=spec.robot_id,
            part_name=spec.part_name,
            part_id=spec.part_id,
            location_ids=spec.location_ids,
            organization_ids=spec.organization_ids,
            mime_type=spec.mime_types,
            bbox_labels=spec.box_labels,
            dataset_id="" if spec.dataset is None else self.handles.datasets[spec.dataset],
        )
        if spec.start is not None:
            message.interval.start.CopyFrom(timestamp_from(spec.start))
        if spec.end is not None:
            message.interval.end.CopyFrom(timestamp_from(spec.end))
        rules = {
            "unspecified": data.TAGS_FILTER_TYPE_UNSPECIFIED,
            "or": data.TAGS_FILTER_TYPE_MATCH_BY_OR,
            "tagged": data.TAGS_FILTER_TYPE_TAGGED,
            "untagged": data.TAGS_FILTER_TYPE_UNTAGGED,
        }
        message.tags_filter.type = rules[spec.tag_rule]
        message.tags_filter.tags.extend(spec.tags)
        message.tags_filter.tags.extend(LABEL + self.handles.datasets[d] for d in spec.label_of)
        return message

    def names(self, files: Iterable[int], form: str) -> dict[str, Any]:
        """The id fields of a request for files: `string`, `message` or `both` forms (ID-1)."""
        ids = [self.handles.files[handle] for handle in files]
        messages = [binary_id(text) for text in ids]
        if form == "string":
            return {"binary_data_ids": ids}
        if form == "message":
            return {"binary_ids": messages}
        return {"binary_ids": messages, "binary_data_ids": ids}

    # Describing --------------------------------------------------------------------------

    def described(self, file: File) -> dict[str, Any]:
        """What the model expects the metadata of a file to say."""
        return {
            "handle": file.handle,
            "origin": file.origin,
            "requested": file.requested,
            "received": file.received,
            "mime_type": file.mime_type,
            "file_name": file.file_name,
            "file_ext": file.file_ext,
            "size": len(file.data),
            "tags": self.model.visible_tags(file),
            "tag order": list(file.tags),
            "boxes": {box.handle: box for box in file.boxes},
            "datasets": set(file.datasets),
        }

    def observed(self, metadata: data.BinaryMetadata) -> dict[str, Any]:
        """What the metadata of a file does say, in the model's terms."""
        tags = [self._tag(tag, metadata) for tag in metadata.capture_metadata.tags]
        return {
            "handle": self.handles.file(metadata.binary_data_id),
            "origin": origin_of(metadata.capture_metadata),
            "requested": nanos_from(metadata.time_requested),
            "received": nanos_from(metadata.time_received),
            "mime_type": metadata.capture_metadata.mime_type,
            "file_name": metadata.file_name,
            "file_ext": metadata.file_ext,
            "size": metadata.file_size_bytes,
            "tags": set(tags),
            "tag order": [tag for tag in tags if isinstance(tag, str)],
            "boxes": {box.handle: box for box in map(self._box, metadata.annotations.bboxes)},
            "datasets": {self.handles.dataset(d) for d in metadata.dataset_ids},
        }

    def _tag(self, tag: str, metadata: data.BinaryMetadata) -> str | tuple[str, int]:
        """A label of a membership as a pair, any other tag as it is (A10, A11)."""
        dataset_id = tag.removeprefix(LABEL)
        if tag.startswith(LABEL) and dataset_id in self.handles.datasets:
            handle = self.handles.datasets.index(dataset_id)
            if dataset_id in metadata.dataset_ids or self.model.dataset(handle) is None:
                return ("label", handle)
        return tag

    def _box(self, box: data.BoundingBox) -> Box:
        return Box(
            handle=self.handles.box(box.id),  # type: ignore[arg-type]  # a stranger's stays text
            label=box.label,
            corners=(
                box.x_min_normalized,
                box.y_min_normalized,
                box.x_max_normalized,
                box.y_max_normalized,
            ),
            confidence=box.confidence if box.HasField("confidence") else None,
        )


#: Which clauses each part of a file's description rests on.
DESCRIPTION = {
    "handle": ("ID-2", "ID-3"),
    "origin": ("UP-1", "ID-3"),
    "requested": ("TM-1", "A28"),
    "received": ("TM-1", "A32"),
    "mime_type": ("UP-4", "UP-5", "A24"),
    "file_name": ("UP-6",),
    "file_ext": ("UP-3", "A26"),
    "size": ("FU-3", "CU-1"),
    "tags": ("TA-1", "TR-1", "UP-7", "DM-2", "A10"),
    "tag order": ("TA-5",),
    "boxes": ("BX-1", "BX-5", "BR-1", "BU-1", "BU-2"),
    "datasets": ("DM-1", "DM-3", "DS-2", "A54"),
}


def binary_id(text: str) -> data.BinaryID:
    """The BinaryID message of a string id."""
    organization_id, location_id, file_id = text.split("/")
    return data.BinaryID(organization_id=organization_id, location_id=location_id, file_id=file_id)


def origin_of(metadata: data.CaptureMetadata) -> Origin:
    """The origin that capture metadata describes."""
    return Origin(
        organization_id=metadata.organization_id,
        location_id=metadata.location_id,
        robot_id=metadata.robot_id,
        robot_name=metadata.robot_name,
        part_id=metadata.part_id,
        part_name=metadata.part_name,
        component_type=metadata.component_type,
        component_name=metadata.component_name,
        method=metadata.method_name,
    )
