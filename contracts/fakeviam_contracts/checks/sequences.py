"""Sequences: saved selections of a part's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam_contracts.assertions import AnyError
from fakeviam_contracts.checks import raw
from fakeviam_contracts.checks.base import BASE, SECOND, Need, check
from fakeviam_contracts.checks.roles import as_holder, keyed_of, status_of
from fakeviam_contracts.descriptions import sequence_seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fakeviam_contracts.session import Session

CREATE, GET, UPDATE = "CreateSequence", "GetSequence", "UpdateSequence"
DELETE, LIST = "DeleteSequence", "ListSequences"
INSIDE = "GetSequenceBinaryData"

#: The window of most sequences, in seconds after BASE, inclusive.
START, END = 10, 20
#: The camera's methods; most sequences use the first.
METHODS = ("ReadImage", "GetImages")
#: More pages than any list has.
MOST_PAGES = 40


def camera(session: Session) -> str:
    """The component that captures the images."""
    return session.place.component or "cam"


def resource(session: Session, method: str = METHODS[0]) -> data.SequenceResourceFilter:
    """A resource of a sequence."""
    return data.SequenceResourceFilter(resource_name=camera(session), method_name=method)


def creation(session: Session, **changes: Any) -> data.CreateSequenceRequest:
    """The request to create a sequence of the first part."""
    known = {
        "part_id": session.place.parts[0].part_id,
        "resources": [resource(session)],
        "start_time": timestamp_from(BASE + START * SECOND),
        "end_time": timestamp_from(BASE + END * SECOND),
        "sequence_tags": ["day"],
    }
    return data.CreateSequenceRequest(**{**known, **changes})


def create(session: Session, **changes: object) -> str:
    """Create a sequence; returns its id."""
    return str(raw.call(session, "SQ-1", CREATE, creation(session, **changes)).id)


def kept(session: Session, sequence_id: str, clause: str = "SQ-1") -> data.Sequence:
    """A sequence as stored on the server."""
    request = data.GetSequenceRequest(id=sequence_id)
    sequence: data.Sequence = raw.call(session, clause, GET, request).sequence
    return sequence


def _asked(request: data.CreateSequenceRequest, sequence_id: str) -> dict[str, Any]:
    """The expected fields of a sequence that was created like this."""
    return {
        "id": sequence_id,
        "part": request.part_id,
        "resources": [(each.resource_name, each.method_name) for each in request.resources],
        "tags": list(request.sequence_tags),
        "start": nanos_from(request.start_time),
        "end": nanos_from(request.end_time),
        "dated": True,
    }


def _expect_told(
    session: Session, clause: str, expected: dict[str, Any], sequence: data.Sequence, after: str
) -> None:
    found = sequence_seen(sequence)
    for name, value in expected.items():
        session.expect(clause, f"{name} of a sequence after {after}", value, found[name])


def pages_of(session: Session, rpc: str, request: Any) -> Iterator[Any]:
    """The replies of a list, until there is no token."""
    tokens: list[str] = []
    while len(tokens) < MOST_PAGES:
        reply = raw.call(session, "SQ-5", rpc, request)
        yield reply
        token = reply.next_page_token
        if not token:
            return
        moves_on = token not in tokens
        session.expect("SQ-5", f"the token of {rpc} moves on", expected=True, observed=moves_on)
        tokens.append(token)
        request.page_token = token
        request.page_size += bool(
            request.page_size
        )  # a token goes on, whatever the size of the page
    session.expect("SQ-5", f"the list of {rpc} ends", expected=True, observed=False)


def listed(session: Session, ids: Sequence[str], size: int = 900) -> list[data.Sequence]:
    """The entries of the list with these ids."""
    request = data.ListSequencesRequest(
        organization_id=session.place.organization_id, page_size=size
    )
    pages = pages_of(session, LIST, request)
    return [each for page in pages for each in page.sequences if each.id in ids]


@check("SQ-1")
def sequences_are_kept(session: Session) -> None:
    """Sequences are returned as created."""
    for request in (
        creation(session),
        creation(session, sequence_tags=[session.name, *session.awkward],
                 resources=[resource(session, method) for method in METHODS] + [
                     data.SequenceResourceFilter(resource_name=value, method_name=method)
                     for value in (session.name, *session.awkward)
                     for method in (METHODS[0], value)],
                 end_time=timestamp_from(BASE + END * SECOND + 1)),
        creation(session, part_id=session.place.parts[-1].part_id, sequence_tags=[],
                 end_time=timestamp_from(BASE + START * SECOND)),
    ):  # fmt: skip
        made = str(raw.call(session, "SQ-1", CREATE, request).id)
        sequence = kept(session, made)
        _expect_told(session, "SQ-1", _asked(request, made), sequence, "it was created")


@check("SQ-1", "SQ-5", "SQ-13")
def sequences_are_listed(session: Session) -> None:
    """All sequences are listed, oldest first, with any page size."""
    request = creation(session)
    made = [str(raw.call(session, "SQ-1", CREATE, request).id) for _ in range(3)]
    session.expect("SQ-1", "ids of sequences", 3, len(set(made)))
    in_list = listed(session, made)
    session.expect("SQ-13", "sequences, the oldest first", made, [each.id for each in in_list])
    found = sorted(map(sequence_seen, in_list), key=lambda each: made.index(each["id"]))
    expected = [_asked(request, each) for each in made]
    session.expect("SQ-1", "sequences in the list", expected, found)
    paged = [each.id for each in listed(session, made, 2)]
    session.expect("SQ-5", "sequences in pages of two or more", sorted(made), sorted(paged))


@check("SQ-1", "SQ-12")
def sequences_are_deleted(session: Session) -> None:
    """One sequence is deleted; the other remains."""
    made = [create(session) for _ in range(2)]
    raw.call(session, "SQ-1", DELETE, data.DeleteSequenceRequest(id=made[0]))
    left = [each.id for each in listed(session, made)]
    session.expect("SQ-1", "sequences after one was deleted", made[1:], left)
    raw.refuse(session, "SQ-12", "NOT_FOUND", GET, data.GetSequenceRequest(id=made[0]))


#: Another window, to the nanosecond.
_LATER = (BASE + (START + 1) * SECOND + 1, BASE + (END + 1) * SECOND + 1)


def _changes(session: Session) -> tuple[tuple[str, str, Any], ...]:
    """A change for each path of a field mask, and how it appears in a sequence."""
    return (
        ("sequence_tags", "tags", ["night", session.name]),
        ("end_time", "end", _LATER[1]),
        ("start_time", "start", _LATER[0]),
    )


@check("SQ-2")
def sequences_are_changed(session: Session) -> None:
    """Updates change the fields of the mask only, and no other sequences."""
    request = creation(session)
    other, made = (str(raw.call(session, "SQ-1", CREATE, request).id) for _ in range(2))
    expected = _asked(request, made)
    full = data.UpdateSequenceRequest(
        id=made,
        resources=[resource(session, method) for method in reversed(METHODS)],
        sequence_tags=["night", session.name],
        start_time=timestamp_from(_LATER[0]),
        end_time=timestamp_from(_LATER[1]),
    )
    for path, name, value in (
        *_changes(session),
        ("resources", "resources", [(camera(session), method) for method in reversed(METHODS)]),
        ("part_id", "part", expected["part"]),  # cannot be changed; either reply is allowed
    ):
        full.field_mask.paths[:] = [path]
        answer = session.wire.call(UPDATE, full)
        if path != "part_id":
            session.answered("SQ-2", UPDATE, answer)
        expected |= {name: value}
        _expect_told(session, "SQ-2", expected, kept(session, made), f"an update of {path}")
        untouched = _asked(request, other)
        _expect_told(session, "SQ-2", untouched, kept(session, other), "an update of another")


@check("SQ-2")
def sequences_are_changed_by_the_mask_alone(session: Session) -> None:
    """Only the mask decides, regardless of the other fields of a request."""
    for path, name, value in _changes(session):
        request = creation(session)
        made = str(raw.call(session, "SQ-1", CREATE, request).id)
        changing = data.UpdateSequenceRequest(
            id=made,
            resources=[resource(session, METHODS[1])],
            sequence_tags=["night", session.name],
            start_time=timestamp_from(_LATER[0]),
            end_time=timestamp_from(_LATER[1]),
        )
        changing.field_mask.paths[:] = [path]
        raw.call(session, "SQ-2", UPDATE, changing)
        expected = _asked(request, made) | {name: value}
        _expect_told(session, "SQ-2", expected, kept(session, made), f"an update of {path} alone")


@check("SQ-2")
def sequences_are_changed_in_two_ways(session: Session) -> None:
    """Two fields are updated at once, one of them to empty."""
    request = creation(session)
    made = str(raw.call(session, "SQ-1", CREATE, request).id)
    changing = data.UpdateSequenceRequest(id=made, start_time=timestamp_from(BASE))
    changing.field_mask.paths[:] = ["start_time", "sequence_tags"]
    raw.call(session, "SQ-2", UPDATE, changing)
    expected = {**_asked(request, made), "start": BASE, "tags": []}
    _expect_told(session, "SQ-2", expected, kept(session, made), "an update of two fields")


@check("SQ-11", "SQ-12", "SQ-13")
def sequences_that_are_none(session: Session) -> None:
    """Missing parts, resources or windows, and unknown ids are refused."""
    blank = data.SequenceResourceFilter(resource_name=" ", method_name="ReadImage")
    for changes, status in (
        ({"part_id": raw.NOBODY}, "NOT_FOUND"),
        ({"resources": []}, "INVALID_ARGUMENT"),
        ({"resources": [blank]}, "INVALID_ARGUMENT"),
        ({"resources": [data.SequenceResourceFilter(resource_name="cam")]}, "INVALID_ARGUMENT"),
        ({"start_time": None}, "INVALID_ARGUMENT"),
        ({"end_time": None}, "INVALID_ARGUMENT"),
        ({"start_time": timestamp_from(BASE + END * SECOND + 1)}, "INVALID_ARGUMENT"),
        ({"sequence_tags": ["day", " "]}, "INVALID_ARGUMENT"),
    ):
        raw.refuse(session, "SQ-11", status, CREATE, creation(session, **changes))
    for nobody, status in ((raw.NOBODY, "NOT_FOUND"), ("", "INVALID_ARGUMENT")):
        changing = data.UpdateSequenceRequest(id=nobody, sequence_tags=["night"])
        changing.field_mask.paths[:] = ["sequence_tags"]
        for rpc, request in (
            (GET, data.GetSequenceRequest(id=nobody)),
            (UPDATE, changing),
            (DELETE, data.DeleteSequenceRequest(id=nobody)),
            (INSIDE, data.GetSequenceBinaryDataRequest(sequence_id=nobody)),
        ):
            raw.refuse(session, "SQ-12", status, rpc, request)
    listing = data.ListSequencesRequest(
        organization_id=session.place.organization_id,
        page_token="no token",  # noqa: S106
    )
    raw.refuse(session, "SQ-13", "INVALID_ARGUMENT", LIST, listing)


@check("SQ-16", needs=(Need.KEYS,))
def keys_and_sequences(session: Session) -> None:
    """A part's key may create sequences; all other calls require a key of the organization."""
    known = keyed_of(session)
    owner, machine = (as_holder(session, known, key) for key in ("owner", "machine"))
    request = creation(session, part_id=known.here.part_id)
    made = [
        str(session.answered("SQ-16", CREATE, holder.call(CREATE, request)).id)
        for holder in (owner, machine)
    ]
    changing = data.UpdateSequenceRequest(id=made[0], sequence_tags=["night"])
    changing.field_mask.paths[:] = ["sequence_tags"]
    for rpc, asked in (
        (GET, data.GetSequenceRequest(id=made[0])),
        (UPDATE, changing),
        (LIST, data.ListSequencesRequest(organization_id=known.here.organization_id)),
        (INSIDE, data.GetSequenceBinaryDataRequest(sequence_id=made[0])),
        (DELETE, data.DeleteSequenceRequest(id=made[0])),
    ):
        status = status_of(machine.call(rpc, asked))
        session.expect("SQ-16", f"{rpc} with a key of a machine", AnyError(), status)
    for each in made:
        reply = session.answered("SQ-16", GET, owner.call(GET, data.GetSequenceRequest(id=each)))
        session.expect("SQ-16", "tags of a sequence", ["day"], list(reply.sequence.sequence_tags))


CHECKS = (
    sequences_are_kept,
    sequences_are_listed,
    sequences_are_deleted,
    sequences_are_changed,
    sequences_are_changed_by_the_mask_alone,
    sequences_are_changed_in_two_ways,
    sequences_that_are_none,
    keys_and_sequences,
)
