"""What the demo uploads: six photographs and two weather series, out of installed packages."""

from __future__ import annotations

import csv
import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fakeviam import Part

HOUR = timedelta(hours=1)

# viam-sdk takes and gives naive UTC, so that is what stands here too.
TODAY = datetime(2016, 1, 1)  # noqa: DTZ001 - the day after the Seattle series ends
NEW_YEARS_EVE = TODAY - 24 * HOUR
NOON = TODAY + 12 * HOUR


@dataclass
class Thing:
    """A photograph or a series, with what a filter looks at."""

    part: Part
    component_type: str
    component_name: str
    method: str
    moments: list[datetime]  # in order
    mime_type: str = ""
    tags: set[str] = field(default_factory=set)
    bbox_labels: set[str] = field(default_factory=set)
    dataset_ids: set[str] = field(default_factory=set)

    @property
    def source(self) -> dict[str, Any]:
        """The arguments that every upload has."""
        return {
            "part_id": self.part.id,
            "component_type": self.component_type,
            "component_name": self.component_name,
            "method_name": self.method,
        }

    def matching(self, wanted: dict[str, Any]) -> int:
        """How many of its records a filter with these fields selects."""
        own = {
            "component_name": {self.component_name},
            "component_type": {self.component_type},
            "method": {self.method},
            "robot_name": {self.part.robot_name},
            "robot_id": {self.part.robot_id},
            "part_name": {self.part.name},
            "part_id": {self.part.id},
            "location_ids": {self.part.location_id},
            "organization_ids": {self.part.organization_id},
            "mime_type": {self.mime_type},
            "tags": self.tags,
            "bbox_labels": self.bbox_labels,
            "dataset_id": self.dataset_ids,
        }
        for name in own.keys() & wanted.keys():
            values = wanted[name] if isinstance(wanted[name], list) else [wanted[name]]
            if own[name].isdisjoint(values):
                return 0
        start = wanted.get("start_time", self.moments[0])
        end = wanted.get("end_time", self.moments[-1])
        return sum(start <= moment <= end for moment in self.moments)


@dataclass
class Photograph(Thing):
    """One image file."""

    path: Path = Path()
    call: str = ""
    id: str = ""
    contents: bytes = b""

    def corners(self, pixels: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
        """A box in pixels as the service wants it, normalized; the file is a PNG."""
        width, height = struct.unpack(">II", self.contents[16:24])
        left, top, right, bottom = pixels
        return left / width, top / height, right / width, bottom / height


@dataclass
class Series(Thing):
    """Readings in the order of time, one for each moment."""

    name: str = ""
    readings: list[Mapping[str, Any]] = field(default_factory=list)


def selected(things: Sequence[Thing], wanted: dict[str, Any]) -> int:
    """How many records of all these things a filter with these fields selects."""
    return sum(thing.matching(wanted) for thing in things)


def folder(module: str, name: str) -> Path:
    """A folder within an installed package, found without importing it."""
    spec = find_spec(module)
    places = spec.submodule_search_locations if spec else None
    if not places:
        raise ModuleNotFoundError(module)
    return Path(places[0]) / name


def photographs(rover: Part, station: Part) -> list[Photograph]:
    """Six photographs, of two parts, for the three uploads and the one from a path."""
    capture, stream = "binary_data_capture_upload", "streaming_data_capture_upload"
    chosen = [
        ("astronaut.png", rover, "front", capture, {"people", "space"}),
        ("chelsea.png", rover, "front", stream, {"animals"}),
        ("motorcycle_left.png", station, "left", capture, {"stereo"}),
        ("motorcycle_right.png", station, "right", stream, {"stereo"}),
        ("coffee.png", station, "", "file_upload", {"still life"}),
        ("rocket.jpg", rover, "", "file_upload_from_path", {"space"}),
    ]
    found = []
    for hour, (name, part, camera, call, tags) in enumerate(chosen):
        path = folder("skimage", "data") / name
        photograph = Photograph(
            part=part,
            component_type="camera" if camera else "",
            component_name=camera,
            method="GetImages" if camera else "",
            # A file has no capture times; it counts as captured when it is uploaded.
            moments=[NEW_YEARS_EVE + hour * HOUR if camera else NOON],
            mime_type="image/png" if path.suffix == ".png" else "image/jpeg",
            tags=tags,
            path=path,
            call=call,
            contents=path.read_bytes(),
        )
        found.append(photograph)
    return found


def moment(text: str, form: str) -> datetime:
    """The time that a file gives, taken as UTC."""
    return datetime.strptime(text, form)  # noqa: DTZ007


def seattle_weather(station: Part) -> Series:
    """Four years of daily weather."""
    with (folder("vega_datasets", "_data") / "seattle-weather.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    readings: list[Mapping[str, Any]] = [
        {
            name: value if name == "weather" else float(value)
            for name, value in row.items()
            if name != "date"
        }
        for row in rows
    ]
    return Series(
        part=station,
        component_type="sensor",
        component_name="weather",
        method="Readings",
        moments=[moment(row["date"], "%Y/%m/%d") + 12 * HOUR for row in rows],
        tags={"daily"},
        name="Seattle weather, daily",
        readings=readings,
    )


def san_francisco_temperatures(rover: Part) -> Series:
    """A year of hourly temperatures."""
    with (folder("vega_datasets", "_data") / "sf-temps.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return Series(
        part=rover,
        component_type="sensor",
        component_name="thermometer",
        method="Readings",
        moments=[moment(row["date"], "%Y/%m/%d %H:%M:%S") for row in rows],
        tags={"hourly"},
        name="San Francisco, hourly",
        readings=[{"fahrenheit": float(row["temp"])} for row in rows],
    )
