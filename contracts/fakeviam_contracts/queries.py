"""Queries over readings, compared with the naive interpreter: TabularDataByMQL."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING, Any

from fakeviam.wire import data
from fakeviam_contracts import mql
from fakeviam_contracts.operations import operation
from fakeviam_contracts.scope import NameScope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fakeviam_contracts.model import Row
    from fakeviam_contracts.session import Session

RPC = "TabularDataByMQL"

Stages = list[dict[str, Any]]

#: The id of a reading, whichever it is.
SOME_ID = "some ObjectId"


@operation
def check_query(session: Session, stages: Stages) -> None:
    """What a pipeline answers (MQ-1, MQ-2, MQ-5); in order where it sorts at its end.

    What depends on the order in which readings are found, or equals are sorted, is not asked.
    """
    documents = readings_of(session)
    if not is_determined(documents, stages):
        return
    expected = mql.run(documents, stages)
    observed = asked(session, stages)
    ordered = bool(stages) and "$sort" in stages[-1]
    if comparable(observed, ordered=ordered) == comparable(expected, ordered=ordered):
        session.comparisons.update(("MQ-1", "MQ-2" if documents else "MQ-5"))
        if not expected:
            session.comparisons["MQ-5"] += 1
        return
    if received_is_stored(session):
        check_query(session, stages)
        return
    own = _own_documents(session)
    if own is not None and comparable(mql.run(own, stages), ordered=ordered) == comparable(
        observed, ordered=ordered
    ):
        session.comparisons.update(("MQ-1", "MQ-2"))
        return
    clause, cause = _blamed(session, stages)
    what = f"documents of a query by {cause}" if cause else "readings as documents"
    session.expect(clause, what, expected, observed, cause=cause)


def is_determined(documents: Sequence[mql.Document], stages: Stages) -> bool:
    """Whether a pipeline has one answer: the same in whatever order documents are found (MQ-6)."""
    if not any(name in str(stages) for name in _ORDERLY):
        return True
    ordered = bool(stages) and "$sort" in stages[-1]
    random = Random(len(documents))  # noqa: S311 - the same in every run
    orders = [documents, documents[::-1], *(random.sample(documents, len(documents)) for _ in "ab")]
    answers = [comparable(mql.run(order, stages), ordered=ordered) for order in orders]
    return all(answer == answers[0] for answer in answers)


#: What makes an answer depend on the order of documents.
_ORDERLY = ("'$sort'", "$limit", "$skip", "$first", "$last", "$push")


def readings_of(session: Session) -> list[mql.Document]:
    """The session's readings as documents, in order of their times."""
    edge = session.wire.edge
    found = [{"_id": SOME_ID, **mql.document_of(row)} for row in _by_time(session)]
    if isinstance(edge, NameScope):
        for document in found:
            document["tags"] = [edge.hidden(tag) for tag in document["tags"]]
    return found


def _by_time(session: Session) -> list[Row]:
    return sorted(session.model.rows, key=lambda row: row.requested)


def request(session: Session, stages: Iterable[dict[str, Any]]) -> data.TabularDataByMQLRequest:
    """A pipeline as it is sent, for the session's readings alone."""
    return data.TabularDataByMQLRequest(
        organization_id=session.place.organization_id, mql_binary=encoded(session, stages)
    )


def encoded(session: Session, stages: Iterable[dict[str, Any]]) -> list[bytes]:
    """Stages in BSON, behind one that keeps to the session's readings on a shared server."""
    import bson  # noqa: PLC0415 - with the first query

    component = session.place.component
    own: Stages = [{"$match": {"component_name": component}}] if component else []
    return [bson.encode(stage) for stage in [*own, *stages]]


def asked(session: Session, stages: Sequence[dict[str, object]]) -> list[mql.Document]:
    """The subject's answer."""
    answer = session.wire.call(RPC, request(session, stages))
    return decoded(session.answered("MQ-1", RPC, answer))


def decoded(reply: data.TabularDataByMQLResponse) -> list[mql.Document]:
    """The documents of a reply."""
    import bson  # noqa: PLC0415
    from bson.codec_options import CodecOptions  # noqa: PLC0415

    options = CodecOptions[dict[str, Any]](tz_aware=True, tzinfo=dt.timezone.utc)
    return [_plain(bson.decode(each, options)) for each in reply.raw_data]


def _plain(value: object) -> Any:
    """A value as the interpreter has it."""
    from bson import ObjectId  # noqa: PLC0415

    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return SOME_ID if isinstance(value, ObjectId) else value


def comparable(documents: list[mql.Document], *, ordered: bool) -> list[object]:
    """What is equal where answers are: the order of fields does not matter."""
    keys = [mql.key(_by_name(document)) for document in documents]
    return keys if ordered else sorted(keys, key=repr)


def _by_name(value: object) -> object:
    if isinstance(value, dict):
        return {name: _by_name(value[name]) for name in sorted(value)}
    return [_by_name(inner) for inner in value] if isinstance(value, list) else value


def documented(session: Session, found: Sequence[mql.Document]) -> list[mql.Document]:
    """The documented fields of readings as documents; others, and ids in text, are told (MQ-2)."""
    known = {"_id", *mql.FIELDS, "robot_name", "part_name"}  # these two are never there
    more = sorted({name for document in found for name in document if name not in known})
    session.expect("MQ-2", "fields of readings beyond the documented ones", [], more, legal=True)
    kinds = {type(each["_id"]).__name__ for each in found if each.get("_id", SOME_ID) != SOME_ID}
    session.expect("MQ-2", "types of ids other than ObjectId", [], sorted(kinds), legal=True)
    return [
        {name: SOME_ID if name == "_id" else each[name] for name in each if name in known}
        for each in found
    ]


def _own_documents(session: Session) -> list[mql.Document] | None:
    """The readings as the subject has them, with fields and ids of its own, if all else is right.

    What its queries answer follows from these.
    """
    found = sorted(asked(session, []), key=lambda each: str(each.get("time_requested")))
    if not any(set(each) - {"_id", *mql.FIELDS} or each.get("_id") != SOME_ID for each in found):
        return None
    right = comparable(readings_of(session), ordered=False)
    return found if comparable(documented(session, found), ordered=False) == right else None


def received_is_stored(session: Session) -> bool:
    """Whether readings differ in their times received alone (A32); the model adopts these then."""
    rows = sorted(
        zip(readings_of(session), _by_time(session), strict=True), key=lambda p: _but_received(p[0])
    )
    found = sorted(asked(session, []), key=_but_received)
    if [_but_received(document) for document, _ in rows] != list(map(_but_received, found)):
        return False
    wanted, got = (
        [one["time_received"] for one in all_] for all_ in ([one for one, _ in rows], found)
    )
    if session.expect("A32", "received of readings as documents", wanted, got, legal=True):
        return False
    for (_, row), time in zip(rows, got, strict=True):
        row.received = mql.nanos_of(time)
    session.learn(time_received="stored")
    return True


def _but_received(document: mql.Document) -> Any:
    is_time = isinstance(document.get("time_received"), dt.datetime)
    return mql.key(_by_name({**document, "time_received": is_time}))


def _blamed(session: Session, stages: Stages) -> tuple[str, str]:
    """The clause and the first stage that goes wrong; none if the readings themselves do."""
    documents = readings_of(session)
    count = 0
    for count in range(len(stages) + 1):
        right = comparable(mql.run(documents, stages[:count]), ordered=False)
        if comparable(asked(session, stages[:count]), ordered=False) != right:
            break
    if not count:
        return "MQ-2" if documents else "MQ-5", ""
    return "MQ-1", next(iter(stages[count - 1]))
