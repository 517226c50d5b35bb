"""JSON that JSON cannot carry is refused before anybody looks at it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakeviam.validation.json_text import JsonError, parse_json


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "is not JSON: Expecting value at line 1, column 1"),
        (b'{"a":\n x}', "is not JSON: Expecting value at line 2, column 2"),
        (b"\n\xff", "is not UTF-8 at line 2, column 1"),
        (b"[NaN]", "is not JSON: there is no NaN in JSON at line 1, column 2"),
        (b'["NaN",\n-Infinity]', "is not JSON: there is no -Infinity in JSON at line 2, column 1"),
        (b"[1e400]", "is not JSON: 1e400 is beyond the range of a double at line 1, column 2"),
        (b"[-1e400]", "is not JSON: -1e400 is beyond the range of a double at line 1, column 2"),
        (
            b'["' + b"9" * 5000 + b'",\n ' + b"9" * 5000 + b"]",
            f"is not JSON: {'9' * 30}… does not fit in 64 bits at line 2, column 2",
        ),
        (
            b"18446744073709551616",
            f"is not JSON: {2**64} does not fit in 64 bits at line 1, column 1",
        ),
        (
            b"-9223372036854775809",
            f"is not JSON: {-(2**63) - 1} does not fit in 64 bits at line 1, column 1",
        ),
        (b'{"a": 1, "a": 2}', "repeats the field 'a'"),
        (b"[" * 100_000, "is nested more than 100 levels deep at line 1, column 101"),
        (b"[" * 101 + b"]" * 101, "is nested more than 100 levels deep at line 1, column 101"),
        (
            b'{"a":\n' * 101 + b"1" + b"}" * 101,
            "is nested more than 100 levels deep at line 101, column 1",
        ),
    ],
)
def test_what_is_refused(text: bytes, told: str) -> None:
    with pytest.raises(JsonError) as caught:
        parse_json(text)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "text",
    [
        b'"' + b"[" * 1000 + b'\\"]"',
        b"[" * 100 + b"]" * 100,
        b"18446744073709551615",
        b"-9223372036854775808",
        b"1e308",
    ],
)
def test_what_is_just_right(text: bytes) -> None:
    assert parse_json(text) == json.loads(text)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_json_or_refused(data: bytes) -> None:
    try:
        value = parse_json(data)
    except JsonError:
        return
    assert value == json.loads(data)
