"""Replies that are built as bytes, in pieces."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fakeviam.server.transport.messages import joined

LARGE = 64 * 1024


@given(st.lists(st.sampled_from([0, 1, 40, LARGE // 2, LARGE, LARGE + 1, 2 * LARGE])))
def test_large_pieces_are_not_copied_and_small_ones_are_joined(sizes: list[int]) -> None:
    """The bytes are the same, and no two neighbours are small."""
    given_pieces = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    pieces = list(joined(given_pieces))
    assert b"".join(pieces) == b"".join(given_pieces)
    assert [each for each in pieces if len(each) > 2 * LARGE] == []
    kept = [each for each in given_pieces if len(each) > LARGE]
    assert all(any(each is piece for piece in pieces) for each in kept)
    assert all(len(one) + len(other) > LARGE for one, other in pairwise(pieces))
