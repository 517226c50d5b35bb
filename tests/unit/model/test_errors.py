"""Texts of refusals fit into a header, whatever value they quote."""

from __future__ import annotations

import string
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from fakeviam.model.errors import shortened

_PLAIN = "".join(each for each in string.printable[:95] if each != "%")

PIECES = st.sampled_from(["a", "%", "ü", "\x00", "\N{ROBOT FACE}", "no binary data "])


@example([("a", 2000)])
@example([("a", 2001)])
@given(st.lists(st.tuples(PIECES, st.integers(1, 3000)), max_size=5))
def test_a_text_takes_at_most_half_of_what_every_client_reads(
    pieces: list[tuple[str, int]],
) -> None:
    """C++, Python and C# fail a call whose headers have more than 8 KiB (SV-3)."""
    text = "".join(letter * times for letter, times in pieces)
    found = shortened(text)
    size = len(quote(text, safe=_PLAIN))
    if len(text) <= 2000 and size <= 4000:
        assert found == text
    else:
        kept, _, rest = found.rpartition("…")
        assert text.startswith(kept)
        assert rest == f" ({len(text)} characters)"
        assert len(kept) >= 300
    assert len(quote(found, safe=_PLAIN)) <= 4050


def test_half_a_pair_of_utf_16_can_be_told() -> None:
    """Names of files hold them, whose bytes are no UTF-8."""
    assert shortened("\udcff") == "\udcff"
