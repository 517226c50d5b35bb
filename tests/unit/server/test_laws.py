"""Laws: what holds whatever is uploaded, asked, tagged, cut into pieces or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fakeviam.wire import data

from .driver import DEFAULT_PART, ORGANIZATION, Viam, at, interval, play, reading, tagged, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Filters ---------------------------------------------------------------------------------

_FEW = st.sampled_from(["", "a", "b"])
_SOURCES = st.fixed_dictionaries(
    {"component_name": _FEW, "component_type": _FEW, "method_name": _FEW}
)
_TAGS = st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True)
_RECORDS = st.lists(
    st.tuples(_SOURCES, _TAGS, st.sampled_from([".png", ".txt"]), st.integers(0, 3)), max_size=8
)
_CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "component_name": _FEW,
        "component_type": _FEW,
        "method": _FEW,
        "mime_type": st.lists(st.sampled_from(["image/png", "text/plain", "no/no"]), max_size=2),
        "tags_filter": st.builds(data.TagsFilter, type=st.sampled_from([0, 1, 2, 3]), tags=_TAGS),
        "interval": st.builds(
            interval,
            st.none() | st.integers(0, 3).map(at),
            st.none() | st.integers(0, 3).map(at),
        ),
        "part_id": st.sampled_from(["", DEFAULT_PART.id, "no"]),
        "organization_ids": st.lists(st.sampled_from([ORGANIZATION, "no"]), max_size=2),
    },
)


@settings(max_examples=40, deadline=None)
@given(records=_RECORDS, conditions=_CONDITIONS)
def test_fields_combine_as_the_intersection_of_what_each_selects(
    records: list[Any], conditions: Mapping[str, Any]
) -> None:
    """Every field that is set narrows; together they select what each of them selects (FI-1)."""

    async def story(viam: Viam) -> None:
        for number, (source, tags, ext, second) in enumerate(records):
            await viam.upload(str(number), requested=at(second), ext=ext, tags=tags, **source)
            await viam.upload_readings(reading({"n": number}, at(second)), tags=tags, **source)
        both = where(**conditions)
        alone = [where(**{name: value}) for name, value in conditions.items()]
        every = {str(number) for number in range(len(records))}
        files = [set(await viam.names(wanted)) for wanted in alone]
        assert set(await viam.names(both)) == every.intersection(*files)
        readings = [set(await viam.numbers(wanted)) for wanted in alone]
        numbers = set(map(float, range(len(records))))
        assert set(await viam.numbers(both)) == numbers.intersection(*readings)

    play(story)


@settings(max_examples=30, deadline=None)
@given(records=_RECORDS, conditions=_CONDITIONS)
def test_a_filter_selects_the_same_for_every_rpc(
    records: list[Any], conditions: Mapping[str, Any]
) -> None:
    """Reading, counting, tagging and deleting by one filter meet the same records (FI-1, FI-2)."""

    async def story(viam: Viam) -> None:
        for number, (source, tags, ext, second) in enumerate(records):
            await viam.upload(str(number), requested=at(second), ext=ext, tags=tags, **source)
        wanted = where(**conditions)
        selected = await viam.names(wanted)
        assert (await viam.binary(wanted, count_only=True)).count == len(selected)
        await viam.rpc(
            "AddTagsToBinaryDataByFilter",
            data.AddTagsToBinaryDataByFilterRequest(filter=wanted, tags=["mark"]),
        )
        assert _sorted(await viam.names(tagged("mark"))) == _sorted(selected)
        await viam.rpc(
            "RemoveTagsFromBinaryDataByFilter",
            data.RemoveTagsFromBinaryDataByFilterRequest(tags=["mark"]),
        )
        rest = set(await viam.names()) - set(selected)
        reply = await viam.rpc(
            "DeleteBinaryDataByFilter", data.DeleteBinaryDataByFilterRequest(filter=wanted)
        )
        assert reply.deleted_count == len(selected)
        assert set(await viam.names()) == rest

    play(story)


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=int)
