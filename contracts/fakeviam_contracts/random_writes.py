"""Initial data, and random writes between the steps of a program.

Hypothesis prefers few rules and small values: on its own, most of its programs would upload one or
two files and rarely use boxes. So a program starts with some files, readings, boxes and datasets,
and each step may be followed by a write. All are drawn from one random generator, seeded by
Hypothesis, and recorded as ordinary steps, so that shrinking can remove them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts import random_queries, random_values, strategies, writes
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.writes import CORNERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from fakeviam_contracts.random_values import Pools
    from fakeviam_contracts.session import Session

WAYS = ("DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload")
FORMS = ("string", "string", "message", "both")
#: How often a program starts with more than two pages of everything.
MANY = 0.03
WHOLE = (0.0, 0.0, 1.0, 1.0)
#: Valid and invalid boxes: outside the image, NaN, swapped corners.
BOXES = (WHOLE, (0.25, 0.5, 0.75, 1.0), (0.5, 0.5, 0.5, 0.5))
BAD_BOXES = (
    (-0.1, 0.0, 1.0, 1.0),
    (0.0, 0.0, 1.1, 1.0),
    (0.6, 0.0, 0.5, 1.0),
    (0.0, 0.0, 1.0, float("nan")),
)


class RandomWrites:
    """Writes to a session's subject."""

    def __init__(self, session: Session, random: Random, pools: Pools) -> None:
        """Write what `random` chooses, with values from `pools`."""
        self._session, self._random, self._pools = session, random, pools
        self._kinds: dict[str, Callable[[], None]] = {
            "file": self._file,
            "several": self._several,
            "rows": self._rows,
            "box": self._box,
            "update box": self._update_box,
            "remove box": self._remove_box,
            "tag": self._tag,
            "member": self._member,
            "dataset": self._dataset,
            "rename": self._rename,
            "merge": self._merge,
            "delete": self._delete,
        }

    def populate(self) -> None:
        """Create the initial data; sometimes none."""
        if self._random.random() < 0.1:
            return
        for kind, most in (("dataset", 2), ("file", 6), ("rows", 2), ("box", 3), ("member", 2)):
            for _ in range(self._random.randint(1, most)):
                self._kinds[kind]()
        if self._random.random() < MANY:
            # More than one page, and more than a hundred.
            writes.upload_many(self._session, 101, tags=self._some(self._pools.tags, 0, 2))
            writes.upload_many_rows(self._session, 101)

    def run(self) -> None:
        """Change something."""
        self._kinds[self._random.choice(list(self._kinds))]()

    # What there is -----------------------------------------------------------------------

    def _some(self, values: Sequence[object], least: int, most: int) -> list[Any]:
        return self._random.choices(values, k=self._random.randint(least, most)) if values else []

    def _files(self, least: int = 1) -> list[int]:
        """Some files, mostly existing ones; sometimes more than a hundred."""
        there = [file.handle for file in self._session.model.files]
        ever = range(len(self._session.handles.files))
        if len(there) > 100 and self._random.random() < 0.3:
            return there
        return self._some(there if there and self._random.random() < 0.8 else ever, least, 3)

    def _time(self) -> int:
        unit = self._random.choice((1, 1000, strategies.SECOND, 86_400 * strategies.SECOND))
        return strategies.BASE + self._random.randint(-3, 4) * unit

    def _captured(self) -> dict[str, Any]:
        choice = self._random.choice
        return {
            "part": self._random.randrange(len(self._session.place.parts)),
            "component": choice(self._pools.components),
            "component_type": choice(self._pools.component_types),
            "method": choice(self._pools.methods),
            "tags": self._some(self._pools.tags, 0, 3),
        }

    # Writes ------------------------------------------------------------------------------

    def _file(self) -> None:
        choice = self._random.choice
        datasets = [dataset.handle for dataset in self._session.model.datasets]
        writes.upload(
            self._session,
            way=choice(WAYS),
            chunks=random_values.contents(self._random),
            times=choice((None, (self._time(), self._time()), (self._time(), self._time()))),
            file_name=choice(self._pools.file_names),
            extension=choice((*strategies.EXTENSIONS, ".png", ".jpg", "png")),
            mime_type=choice(("", "", "", "image/png", "x/y")),
            datasets=self._some(datasets, 0, 1),
            **self._captured(),
        )

    def _several(self) -> None:
        contents = [self._random.randbytes(5) for _ in range(self._random.randint(2, 4))]
        writes.upload_several(self._session, contents, at=self._time(), **self._captured())

    def _rows(self) -> None:
        random, first = self._random, self._session.handles.rows
        usual: Sequence[dict[str, Any]] = ({"n": 1.0}, {}, {"readings": {"a": [None, True, "é"]}})
        rows = [
            random.choice((
                random.choice(usual),
                random_values.reading(random),
                # Distinct times, so that the order is unambiguous.
                random_queries.reading(random, 100 * (first + at) + random.randrange(100)),
            ))
            for at in range(random.randint(1, 3))
        ]  # fmt: skip
        times = [(self._time(), self._time()) for _ in rows]
        writes.upload_rows(self._session, rows=rows, times=times, **self._captured())

    def _box(self) -> None:
        choice, files = self._random.choice, self._session.model.files
        images = [file.handle for file in files if file.mime_type.startswith("image/")]
        candidates = [choice(images)] if images and self._random.random() < 0.8 else self._files()
        for file in candidates[:1]:
            # At most one error per box, because the refusal of one hides the others.
            fault = choice(("", "", "", "corners", "corners", "label", "confidence"))
            writes.box(
                self._session,
                file,
                choice(("", " ") if fault == "label" else self._pools.labels),
                choice(BAD_BOXES if fault == "corners" else BOXES),
                confidence=choice((1.5,) if fault == "confidence" else (None, 0.0, 0.5, 1.0)),
            )

    def _boxed(self) -> tuple[int, int] | None:
        """A file, and mostly one of its boxes."""
        own = [
            (file.handle, box.handle) for file in self._session.model.files for box in file.boxes
        ]
        if own and self._random.random() < 0.7:
            return self._random.choice(own)
        boxes, files = range(len(self._session.handles.boxes)), self._files()
        return (files[0], self._random.choice(boxes)) if boxes and files else None

    def _update_box(self) -> None:
        choice, boxed = self._random.choice, self._boxed()
        if boxed is not None:
            every = {
                "label": choice((*self._pools.labels, " ")),
                choice(CORNERS): choice((0.0, 0.5, 1.0, 1.5)),
                "confidence": choice((0.0, 1.0)),
            }
            fields = self._some(list(every), 1, 2)
            writes.update_box(self._session, *boxed, {name: every[name] for name in fields})

    def _remove_box(self) -> None:
        boxed = self._boxed()
        if boxed is not None:
            writes.remove_box(self._session, *boxed)

    def _tag(self) -> None:
        files, remove = self._files(0), self._random.random() < 0.5
        tags = self._some(self._pools.tags, 0, 3)
        if self._random.random() < 0.3:
            spec = FilterSpec(component_name=self._random.choice((*self._pools.components, "")))
            writes.tag_matching(self._session, spec, tags, remove=remove)
        elif self._session.handles.files:
            form = self._random.choice(FORMS)
            writes.tag(self._session, files, tags, form=form, remove=remove)

    def _datasets(self, least: int, most: int) -> list[int]:
        there = [dataset.handle for dataset in self._session.model.datasets]
        ever = range(len(self._session.handles.datasets))
        return self._some(there if there and self._random.random() < 0.8 else ever, least, most)

    def _member(self) -> None:
        files = self._files(0)
        for handle in self._datasets(1, 1) if self._session.handles.files else []:
            form, remove = self._random.choice(FORMS), self._random.random() < 0.4
            writes.change_members(self._session, handle, files, form=form, remove=remove)

    def _name(self) -> str:
        """A name for a dataset, often one that is taken."""
        names = [dataset.name for dataset in self._session.model.datasets]
        return self._random.choice((*self._pools.names, *names, *names, " "))

    def _dataset(self) -> None:
        writes.create_dataset(self._session, self._name())

    def _rename(self) -> None:
        for handle in self._datasets(1, 1):
            writes.rename_dataset(self._session, handle, self._name())

    def _merge(self) -> None:
        handles = self._datasets(1, 2)
        if handles:
            writes.merge_datasets(self._session, handles, self._name())

    def _delete(self) -> None:
        """Delete a dataset, files or readings; few at a time."""
        what = self._random.randrange(4)
        spec = FilterSpec(component_name=self._random.choice(self._pools.components))
        if what == 0:
            for handle in self._datasets(1, 1):
                writes.delete_dataset(self._session, handle)
        elif what == 1:
            writes.delete_matching(self._session, spec)
        elif what == 2:
            writes.delete_rows(self._session, self._random.randint(0, 3), spec)
        elif self._session.handles.files:
            form = self._random.choice(FORMS)
            writes.delete_files(self._session, self._files(0)[:2], form=form)
