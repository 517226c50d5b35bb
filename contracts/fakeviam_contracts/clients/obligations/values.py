"""Values that careless clients change, and a comparison that notices."""

from __future__ import annotations

import json
import string
from datetime import datetime, timedelta, timezone

from fakeviam_contracts.clients.obligations.replies import BASE

#: Several kinds of spaces, also repeated and at the ends, both cases, all Unicode forms, escapes of
#: several languages, line ends, all punctuation.
_TEXT = (
    " Cafe\u0301 caf\u00e9  \ufb01sh Stra\u00dfe\u00a0%20+&amp;\\n'\"\t$a.b/c,d\r\n*"
    f"{string.punctuation}--\U0001f436"
)


def awkward(name: str) -> str:
    """A fragile text, distinct for each name, and longer than many database columns."""
    return f"{_TEXT}{name}{'x' * 300} "


#: All are distinct, although they look similar.
ALIKE = ("dog", "Dog", "dog ", " dog", "\ufb01sh", "fish", "caf\u00e9", "cafe\u0301", "0", "null",
         "VIAM_DATASET_1")  # fmt: skip


def many(name: str) -> list[str]:
    """More texts than a page holds, unsorted, with similar-looking ones."""
    return [awkward(name), *ALIKE, *(f"{name}{at * 53 % 130}" for at in range(130))]


#: One moment in each notation: without a zone, in UTC, and in zones far east and west. Its fraction
#: does not survive as milliseconds or as a float of seconds.
FRACTION = timedelta(microseconds=123_457)
MOMENTS = tuple(
    (datetime(2024, 1, 1) + offset).replace(tzinfo=zone) + FRACTION  # noqa: DTZ001 - one is naive
    for zone, offset in (
        (None, timedelta()),
        (timezone.utc, timedelta()),
        *(
            (timezone(timedelta(minutes=minutes)), timedelta(minutes=minutes))
            for minutes in (-570, 345, 60)
        ),
    )
)
MOMENT_NANOS = BASE + 123_457_000

#: Moments with negative seconds, of more than 32 bits, and of more nanoseconds than 64 bits hold.
DISTANT = (
    datetime(1969, 12, 31, 23, 59, 58, 250_000, tzinfo=timezone.utc),
    datetime(1901, 1, 1, 0, 0, 0, 1, tzinfo=timezone.utc),
    datetime(2106, 3, 1, 1, 2, 3, 123_457, tzinfo=timezone.utc),
    datetime(2345, 6, 7, 8, 9, 10, 123_457, tzinfo=timezone.utc),
)


def nanos_of(moment: datetime) -> int:
    """An aware moment in nanoseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000


def _nested(depth: int) -> dict[str, object]:
    return {"in": [_nested(depth - 1)]} if depth else {"core": 0.1}


#: Readings that a client must not normalize.
ROWS: list[dict[str, object]] = [
    {"a": {"b": [1.5, None, True, "\u00fc", [], {}, 0, False, ""]}},
    {"x.y": -1, "": "x", "$set": " Text ", "Key": 1, "key": 2},
    {"null": None, "zero": 0, "no": False, "empty": "", "list": [], "map": {}},
    {"null": None},
    {"deep": {"null": None, "zero": 0, "no": False, "map": {"null": None, "empty": ""}}},
    {},
    {"large": 2.0**53, "small": 5e-324, "one": 1, "yes": True},
    {"huge": 1.5e308, "below": -(2.0**70), "minus": -0.25, "fine": 0.1234567890123456},
    {"lists": [[1, 2], [[3.5], []], [{"in": [[4]]}]]},
    {"text": awkward("reading"), awkward("key"): "1", "number": "1.0", "date": "2024-01-01"},
    {},
    {"words": ["true", "False", "null", "None", "NaN", "1e5", "0x1f", "[]"]},
    {"readings": {"a": 1}},
    {"_id": "x", "received": "y", "nested": _nested(12)},
]


def typed(value: object) -> str:
    """A value as JSON, in which 0 and false differ, but 1 and 1.0 do not."""
    return json.dumps(_floats(value), ensure_ascii=False, sort_keys=True)


def _floats(value: object) -> object:
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
