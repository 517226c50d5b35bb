"""Sequences and their files in random programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam.wire.times import nanos_from, timestamp_from
from fakeviam_contracts.descriptions import observed, sequence_seen, tags_of
from fakeviam_contracts.kept import Sequence_, of_handle
from fakeviam_contracts.newer.common import check_created, end_if_doubtful, found, new_handle
from fakeviam_contracts.operations import operation
from fakeviam_contracts.session import Ground

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fakeviam_contracts.model import File
    from fakeviam_contracts.session import Session

CREATE, GET, UPDATE = "CreateSequence", "GetSequence", "UpdateSequence"
DELETE, LIST, INSIDE = "DeleteSequence", "ListSequences", "GetSequenceBinaryData"

ASPECTS: dict[str, str] = dict.fromkeys(
    ("id", "part", "resources", "tags", "start", "end", "dated"), "SQ-1"
)
IMAGES = ("image/jpeg", "image/png")
#: More pages than any list of a program has.
MOST_PAGES = 400


@operation
def create_sequence(
    session: Session,
    *,
    part: int,
    resources: Sequence[tuple[str, str]],
    start: int,
    end: int,
    tags: Sequence[str] = (),
) -> None:
    """Create a sequence (SQ-1, SQ-11)."""
    sequence = Sequence_(
        handle=0,
        part_id=session.place.parts[part].part_id,
        resources=_own(session, resources),
        tags=list(tags),
        start=start,
        end=end,
    )
    request = data.CreateSequenceRequest(
        part_id=sequence.part_id,
        resources=_messages(sequence.resources),
        start_time=timestamp_from(start),
        end_time=timestamp_from(end),
        sequence_tags=tags,
    )
    grounds = _grounds(sequence)
    reply = session.outcome("SQ-1", CREATE, session.wire.call(CREATE, request), grounds)
    if reply is not None:
        handles = session.handles.sequences
        sequence.handle = new_handle(session, "SQ-1", handles, reply.id, grounds)
        session.model.kept.sequences.append(sequence)
    check_sequences(session)


@operation
def update_sequence(session: Session, sequence: int, changes: Mapping[str, Any]) -> None:
    """Change some fields of a sequence (SQ-2, SQ-11, SQ-12)."""
    model_sequence = of_handle(session.model.kept.sequences, sequence)
    request = data.UpdateSequenceRequest(id=session.handles.sequences[sequence])
    request.field_mask.paths.extend(changes)
    after = {**vars(model_sequence)} if model_sequence else {}
    for path, value in changes.items():
        if path in ("start_time", "end_time"):
            getattr(request, path).CopyFrom(timestamp_from(value))
            after[path.removesuffix("_time")] = value
        elif path == "resources":
            after[path] = _own(session, value)
            request.resources.extend(_messages(after[path]))
        else:
            request.sequence_tags.extend(value)
            after["tags"] = list(value)
    grounds = _grounds(Sequence_(**after)) if model_sequence else [Ground("SQ-12", "NOT_FOUND")]
    answer = session.wire.call(UPDATE, request)
    if session.outcome("SQ-2", UPDATE, answer, grounds) is not None:
        end_if_doubtful(grounds)
        if model_sequence is not None:
            model_sequence.__dict__.update(after)
    check_sequences(session, clause="SQ-2")


@operation
def delete_sequence(session: Session, sequence: int) -> None:
    """Delete a sequence; its files remain (SQ-1, SQ-3, SQ-12)."""
    model_sequence = of_handle(session.model.kept.sequences, sequence)
    unknown = [Ground("SQ-12", "NOT_FOUND")]
    request = data.DeleteSequenceRequest(id=session.handles.sequences[sequence])
    answer = session.wire.call(DELETE, request)
    reply = session.outcome("SQ-1", DELETE, answer, [] if model_sequence else unknown)
    if reply is not None and model_sequence is not None:
        session.model.kept.sequences.remove(model_sequence)
        lookup = data.GetSequenceRequest(id=request.id)
        session.outcome("SQ-12", GET, session.wire.call(GET, lookup), unknown)
        _check_files_stay(session, _files_inside(session, model_sequence))
    check_sequences(session)


@operation
def check_sequences(session: Session, *, size: int = 0, clause: str = "SQ-1") -> None:
    """Sequences by id and in the list (SQ-1, SQ-2, SQ-5, SQ-13)."""
    ids, model_sequences = session.handles.sequences, session.model.kept.sequences
    aspects: dict[str, str] = dict.fromkeys(ASPECTS, clause)
    for sequence in model_sequences:
        request = data.GetSequenceRequest(id=ids[sequence.handle])
        reply = session.answered("SQ-1", GET, session.wire.call(GET, request)).sequence
        session.expect_all(
            aspects, _expected(session, sequence), sequence_seen(reply), "a sequence"
        )
        check_created(session, "SQ-1", sequence, nanos_from(reply.created_at), "a sequence")
    organization_id = session.place.organization_id
    listing = data.ListSequencesRequest(organization_id=organization_id, page_size=size)
    listed = [each for page in _pages(session, LIST, listing) for each in page.sequences]
    observed_sequences = found(sequence_seen, listed, ids)
    in_order = sorted(observed_sequences, key=lambda each: ids.index(each["id"]))
    expected = [_expected(session, sequence) for sequence in model_sequences]
    session.expect("SQ-5" if size else "SQ-1", "sequences in the list", expected, in_order)
    session.expect("SQ-13", "sequences, the oldest first", in_order, observed_sequences)


@operation
def check_inside(session: Session, sequence: int, *, size: int = 0) -> None:
    """The files of a sequence with their metadata (SQ-3 … SQ-5, SQ-7, SQ-8, SQ-15)."""
    model_sequence = of_handle(session.model.kept.sequences, sequence)
    request = data.GetSequenceBinaryDataRequest(
        sequence_id=session.handles.sequences[sequence], page_size=size
    )
    if model_sequence is None:
        answer = session.wire.call(INSIDE, request)
        session.outcome("SQ-12", INSIDE, answer, [Ground("SQ-12", "NOT_FOUND")])
        return
    inside = _files_inside(session, model_sequence)
    entries = []
    for page in _pages(session, INSIDE, request):
        many = len(page.data) <= (size or len(page.data))
        session.expect("SQ-5", "a page is as long as its size", expected=True, observed=many)
        entries += page.data
    observed_files = [session.handles.file(entry.metadata.binary_data_id) for entry in entries]
    expected = [file.handle for file in inside]
    clause = _blamed(session, model_sequence, observed_files)
    session.expect(clause, "files inside a sequence", set(expected), set(observed_files))
    session.expect(
        clause, "how often files are inside a sequence", len(expected), len(observed_files)
    )
    ordered = [file.requested for file in inside] == sorted(file.requested for file in inside)
    times = [nanos_from(entry.metadata.time_requested) for entry in entries]
    session.expect("SQ-15", "files in the order of time", ordered, times == sorted(times))
    empty = not any(entry.binary for entry in entries)
    session.expect("SQ-15", "files come without bytes", expected=True, observed=empty)
    _check_metadata(session, entries)


def _own(session: Session, resources: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Resources on the subject, which may only permit one component."""
    own = session.place.component
    return list(dict.fromkeys((own or name, method) for name, method in resources))


def _messages(resources: Sequence[tuple[str, str]]) -> list[data.SequenceResourceFilter]:
    return [
        data.SequenceResourceFilter(resource_name=name, method_name=method)
        for name, method in resources
    ]


def _grounds(sequence: Sequence_) -> list[Ground]:
    has_names = all(name.strip() and method.strip() for name, method in sequence.resources)
    tagged = all(tag.strip() for tag in sequence.tags)
    good = sequence.resources and has_names and tagged and sequence.start <= sequence.end
    return [] if good else [Ground("SQ-11")]


def _files_inside(
    session: Session, sequence: Sequence_, *, kinds: bool = True, window: bool = True
) -> list[File]:
    """The files of a sequence, sorted by time; optionally ignoring their type, or the window."""
    inside = [
        file
        for file in session.model.files
        if file.origin.part_id == sequence.part_id
        and (file.origin.component_name, file.origin.method) in sequence.resources
        and (not kinds or file.mime_type in IMAGES)
        and (not window or sequence.start <= file.requested <= sequence.end)
    ]
    return sorted(inside, key=lambda file: (file.requested, file.handle))


def _blamed(session: Session, sequence: Sequence_, seen: Sequence[int | str]) -> str:
    """The clause that is broken by a difference in the files."""
    handles = {file.handle for file in _files_inside(session, sequence)}
    more = set(seen) - handles
    if more and more <= {file.handle for file in _files_inside(session, sequence, kinds=False)}:
        return "SQ-8"
    edges = (sequence.start, sequence.end)
    less = {f.handle for f in _files_inside(session, sequence) if f.requested in edges}
    others = {file.handle for file in _files_inside(session, sequence, window=False)}
    if (more and more <= others) or (set(seen) < handles and handles - set(seen) <= less):
        return "SQ-4"
    return "SQ-7"


def _check_files_stay(session: Session, files: Sequence[File]) -> None:
    ids = [session.handles.files[file.handle] for file in files]
    request = data.BinaryDataByIDsRequest(binary_data_ids=ids)
    if ids:
        rpc = "BinaryDataByIDs"
        reply = session.answered("SQ-3", rpc, session.wire.call(rpc, request))
        left = {entry.metadata.binary_data_id for entry in reply.data}
        session.expect("SQ-3", "files of a deleted sequence", set(ids), left)


def _check_metadata(session: Session, entries: Sequence[data.BinaryData]) -> None:
    """The metadata of files is the same as by their ids."""
    ids = [entry.metadata.binary_data_id for entry in entries][:4]
    if not ids:
        return
    rpc, request = "BinaryDataByIDs", data.BinaryDataByIDsRequest(binary_data_ids=ids)
    reply = session.answered("BI-1", rpc, session.wire.call(rpc, request))
    known = {entry.metadata.binary_data_id: _said(session, entry) for entry in reply.data}
    by_id = {entry.metadata.binary_data_id: _said(session, entry) for entry in entries[:4]}
    session.expect("SQ-7", "metadata of the files inside", known, by_id)


def _said(session: Session, entry: data.BinaryData) -> dict[str, object]:
    tags = tags_of(session.model, session.handles, entry.metadata)
    metadata = observed(session.handles, entry.metadata, tags)
    # The order of tags is an open point (TA-6), and so is the dot (A26).
    del metadata["tag order"], metadata["file_ext"]
    return {**metadata, "id": entry.metadata.id}


def _pages(session: Session, rpc: str, request: Any) -> Iterator[Any]:
    """The replies of a list, until there is no token (SQ-5)."""
    tokens: set[str] = set()
    while len(tokens) < MOST_PAGES:
        reply = session.answered("SQ-5", rpc, session.wire.call(rpc, request))
        yield reply
        token = reply.next_page_token
        if not token:
            return
        session.require("SQ-5", f"the token of {rpc} moves on", True, token not in tokens)  # noqa: FBT003
        tokens.add(token)
        request.page_token = token
    session.require("SQ-5", f"the list of {rpc} ends", expected=True, observed=False)


def _expected(session: Session, sequence: Sequence_) -> dict[str, object]:
    return {
        "id": session.handles.sequences[sequence.handle],
        "part": sequence.part_id,
        "resources": sequence.resources,
        "tags": sequence.tags,
        "start": sequence.start,
        "end": sequence.end,
        "dated": True,
    }
