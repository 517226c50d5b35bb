"""The life of a streamed upload, as a table."""

from __future__ import annotations

import itertools

import pytest

from fakeviam.model.clauses import CATALOGUE
from fakeviam.model.uploads import STEPS, Packet, State, UploadAction

STATES = [state for state in State if state is not State.STORED]


@pytest.mark.parametrize(("state", "packet"), list(itertools.product(STATES, Packet)))
def test_every_packet_has_a_step_in_every_state(state: State, packet: Packet) -> None:
    """Nothing a client can send is left open (A30, FU-5)."""
    step = STEPS[state, packet]
    refused = step.effect is UploadAction.REFUSE
    assert bool(step.text) is bool(step.clause) is refused
    if refused:
        assert step.clause in CATALOGUE


def test_nothing_happens_after_the_end() -> None:
    assert {state for state, _ in STEPS} == set(STATES)


def test_all_states_are_reached() -> None:
    """From the first, by steps that are not refused."""
    reached = {State.EMPTY}
    for _ in State:
        reached |= {
            step.then
            for (state, _), step in STEPS.items()
            if state in reached and step.effect is not UploadAction.REFUSE
        }
    assert reached == set(State)


@pytest.mark.parametrize("effect", [UploadAction.BEGIN, UploadAction.APPEND, UploadAction.STORE])
def test_each_effect_has_its_one_place(effect: UploadAction) -> None:
    """Metadata begins, contents append, the end stores: in one state each (A30, FU-1)."""
    places = {
        UploadAction.BEGIN: (State.EMPTY, Packet.METADATA, State.OPEN),
        UploadAction.APPEND: (State.OPEN, Packet.CONTENTS, State.OPEN),
        UploadAction.STORE: (State.OPEN, Packet.END, State.STORED),
    }
    found = [(*key, step.then) for key, step in STEPS.items() if step.effect is effect]
    assert found == [places[effect]]


@pytest.mark.parametrize("length", range(5))
def test_walks_store_exactly_what_is_metadata_then_contents(length: int) -> None:
    """All walks of that length, judged by a rule of one line (A30)."""
    for packets in itertools.product(set(Packet) - {Packet.END}, repeat=length):
        state, effects = State.EMPTY, []
        for packet in (*packets, Packet.END):
            step = STEPS[state, packet]
            effects.append(step.effect)
            if step.effect is UploadAction.REFUSE:
                break
            state = step.then
        good = packets[:1] == (Packet.METADATA,) and set(packets[1:]) <= {Packet.CONTENTS}
        assert (effects[-1] is UploadAction.STORE) is good
        assert (state is State.STORED) is good
