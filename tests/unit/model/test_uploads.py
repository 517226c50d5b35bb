"""The order of the messages of a streamed upload."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fakeviam.model.errors import Refusal
from fakeviam.model.uploads import Packet, check_packet


def refusal(packet: Packet, *, begun: bool) -> str:
    """The clause of the refusal, if it is refused."""
    try:
        check_packet(packet, begun=begun)
    except Refusal as error:
        return error.clause
    return ""


@given(st.lists(st.sampled_from([p for p in Packet if p is not Packet.END]), max_size=6))
def test_only_metadata_and_then_contents_reach_the_end(packets: list[Packet]) -> None:
    """A30, FU-5: metadata first and once, then any number of contents, and nothing empty."""
    clauses = [
        refusal(packet, begun=Packet.METADATA in packets[:at])
        for at, packet in enumerate([*packets, Packet.END])
    ]
    well_formed = packets == [Packet.METADATA] + [Packet.CONTENTS] * (len(packets) - 1)
    assert any(clauses) is not well_formed
    assert [each == "FU-5" for each in clauses[:-1]] == [each is Packet.NOTHING for each in packets]
