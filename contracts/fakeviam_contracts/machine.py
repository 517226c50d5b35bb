"""The state machine: random programs, compared with the model after each step."""

from __future__ import annotations

import functools
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakeviam_contracts import newer, random_values, reads, strategies, writes
from fakeviam_contracts.model import FilterSpec
from fakeviam_contracts.random_newer import RandomNewer
from fakeviam_contracts.random_reads import RandomReads
from fakeviam_contracts.random_writes import RandomWrites
from fakeviam_contracts.writes import CORNERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam_contracts.session import Session

#: Steps of the newest RPCs, which no other steps depend on.
_NEWER = frozenset(newer.__all__)

#: How often a subject is restarted after a step, if it can be.
RESTARTS = 0.05

WAYS = ("DataCaptureUpload", "FileUpload", "StreamingDataCaptureUpload")


class ContractMachine(RuleBasedStateMachine):
    """Executes random steps on a subject; subclass it with `open_session`."""

    #: Opens a session on a subject without data of that session.
    open_session: Callable[[], Session]
    #: Called with each session when its program has ended.
    close_session: Callable[[Session], None]

    #: The number of reads after each step.
    looks: int = 3

    session: Session
    random_reads: RandomReads
    random_writes: RandomWrites
    random_newer: RandomNewer

    @initialize(random=st.randoms(use_true_random=True))
    def begin(self, random: Random) -> None:
        """Start a program."""
        self.session = type(self).open_session()  # pyright: ignore[reportAttributeAccessIssue] - a static method
        pools = random_values.pools(random)
        self._seed, self._random = random.random(), random
        self.random_reads, self.random_writes = (
            RandomReads(self.session, random, pools),
            RandomWrites(self.session, random, pools),
        )
        # From the program alone: Hypothesis runs one again and expects it to do the same.
        self._own = Random(str(self._seed))  # noqa: S311 - the same in every run
        self.random_newer = RandomNewer(self.session, self._own)
        self.random_writes.populate()

    @invariant()
    def look(self) -> None:
        """Write, read and compare, after each step."""
        if self.session.steps:
            # A known difference stays for the rest of a program and of its variations.
            steps = (step for step in reversed(self.session.steps) if step.name not in _NEWER)
            seed = f"{self._seed} {next(steps, '')}"
            self._random.seed(seed)
            # Hypothesis varies a program; each variation also uses the newest RPCs differently.
            self._own.seed(f"{seed} {len(self.session.steps)}")
            if self.session.place.restart is not None and self._own.random() < RESTARTS:
                self.session.restart()
            self.random_writes.run()
            self.random_reads.run(self.looks)
            self.random_newer.run()

    def teardown(self) -> None:
        """End a program."""
        if hasattr(self, "session"):
            type(self).close_session(self.session)

    # What there is ------------------------------------------------------------------------

    def _filter_spec(self, draw: st.DataObject) -> FilterSpec:
        handles = range(len(self.session.handles.datasets))
        spec: FilterSpec = draw.draw(
            strategies.filter_specs(datasets=handles, parts=self.session.place.parts)
        )
        return spec

    def _narrow_filter_spec(self, draw: st.DataObject) -> FilterSpec:
        """A filter that is mostly not empty: once everything is deleted, little can be tested."""
        spec = self._filter_spec(draw)
        return (
            self._filter_spec(draw)
            if spec == FilterSpec() and draw.draw(st.integers(0, 7))
            else spec
        )

    def _files(self, draw: st.DataObject, *, least: int = 0) -> list[int]:
        return draw.draw(_handles(len(self.session.handles.files), least, 4))

    def _datasets(self, draw: st.DataObject, *, least: int = 0) -> list[int]:
        return draw.draw(_handles(len(self.session.handles.datasets), least, 2))

    def _has_files(self) -> bool:
        return hasattr(self, "session") and bool(self.session.handles.files)

    def _has_boxes(self) -> bool:
        return hasattr(self, "session") and bool(self.session.handles.boxes)

    def _has_datasets(self) -> bool:
        return hasattr(self, "session") and bool(self.session.handles.datasets)

    # Uploads ------------------------------------------------------------------------------

    @rule(
        draw=st.data(),
        way=st.sampled_from(WAYS),
        chunks=strategies.payloads(),
        times=st.none() | strategies.time_pairs(),
        component=st.sampled_from(strategies.COMPONENTS),
        component_type=st.sampled_from(strategies.COMPONENT_TYPES),
        method=st.sampled_from(strategies.METHODS),
        file_name=st.sampled_from(["", "pic", "pic.tar", "../x"]),
        extension=st.sampled_from(strategies.EXTENSIONS),
        mime_type=st.sampled_from(["", "", "image/png", "x/y"]),
        tags=strategies.tags(),
    )
    def upload(self, draw: st.DataObject, **what: Any) -> None:
        """Upload a file."""
        parts = self.session.place.parts
        writes.upload(
            self.session,
            part=draw.draw(st.integers(0, len(parts) - 1)),
            datasets=self._datasets(draw),
            **what,
        )

    @rule(
        draw=st.data(),
        rows=st.lists(
            st.tuples(strategies.rows(), strategies.time_pairs()), min_size=1, max_size=3
        ),
        component=st.sampled_from(strategies.COMPONENTS),
        method=st.sampled_from(strategies.METHODS),
        tags=strategies.tags(),
    )
    def upload_rows(self, draw: st.DataObject, rows: list[Any], **what: Any) -> None:
        """Upload readings."""
        parts = self.session.place.parts
        writes.upload_rows(
            self.session,
            part=draw.draw(st.integers(0, len(parts) - 1)),
            rows=[row for row, _ in rows],
            times=[pair for _, pair in rows],
            **what,
        )

    # Annotations --------------------------------------------------------------------------

    @precondition(_has_files)
    @rule(draw=st.data(), tags=strategies.tags(), form=strategies.forms(), remove=st.booleans())
    def tag(self, draw: st.DataObject, tags: list[str], form: str, remove: bool) -> None:  # noqa: FBT001
        """Add or remove tags by ids."""
        files = self._files(draw)
        writes.tag(self.session, files, tags, form=form, remove=remove)
        if files:
            reads.check_by_ids(self.session, files[:1])

    @rule(draw=st.data(), tags=strategies.tags(), remove=st.booleans())
    def tag_matching(self, draw: st.DataObject, tags: list[str], remove: bool) -> None:  # noqa: FBT001
        """Add or remove tags by filter."""
        writes.tag_matching(self.session, self._filter_spec(draw), tags, remove=remove)

    @precondition(_has_files)
    @rule(
        draw=st.data(),
        # Mostly valid boxes, because a refused one leaves nothing to compare.
        label=st.sampled_from([*strategies.LABELS, *strategies.LABELS, "", " "]),
        corners=strategies.corners() | strategies.corners() | strategies.wild_corners(),
        confidence=st.sampled_from([None, None, 0.0, 0.5, 1.0, 1.0, 1.5]),
    )
    def box(self, draw: st.DataObject, label: str, corners: Any, confidence: float | None) -> None:
        """Put a box on a file: mostly on an image."""
        images = [f.handle for f in self.session.model.files if f.mime_type.startswith("image/")]
        wants_image = draw.draw(st.integers(0, 3)) > 0
        if images and wants_image:
            file = draw.draw(st.sampled_from(images))
        else:
            file = self._files(draw, least=1)[0]
        writes.box(self.session, file, label, corners, confidence=confidence)

    @precondition(_has_boxes)
    @rule(
        draw=st.data(),
        label=st.none() | strategies.labels(),
        corner=st.none()
        | st.tuples(st.sampled_from(CORNERS), st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        confidence=strategies.confidences(),
    )
    def update_box(
        self, draw: st.DataObject, label: str | None, corner: Any, confidence: float | None
    ) -> None:
        """Change some fields of a box."""
        changes: dict[str, object] = {}
        if label is not None:
            changes["label"] = label
        if corner is not None:
            changes[corner[0]] = corner[1]
        if confidence is not None:
            changes["confidence"] = confidence
        file, box = self._boxed(draw)
        writes.update_box(self.session, file, box, changes)

    @precondition(_has_boxes)
    @rule(draw=st.data())
    def remove_box(self, draw: st.DataObject) -> None:
        """Remove a box."""
        file, box = self._boxed(draw)
        writes.remove_box(self.session, file, box)

    def _boxed(self, draw: st.DataObject) -> tuple[int, int]:
        """A file and a box: mostly one of its own."""
        own: list[tuple[int, int]] = [
            (f.handle, b.handle) for f in self.session.model.files for b in f.boxes
        ]
        wants_own: bool = draw.draw(st.booleans())
        if own and wants_own:
            pair: tuple[int, int] = draw.draw(st.sampled_from(own))
            return pair
        boxes = range(len(self.session.handles.boxes))
        box: int = draw.draw(st.sampled_from(boxes))
        return self._files(draw, least=1)[0], box

    # Datasets -----------------------------------------------------------------------------

    @rule(name=st.sampled_from([*strategies.NAMES, ""]))
    def create_dataset(self, name: str) -> None:
        """Create a dataset."""
        writes.create_dataset(self.session, name)
        writes.check_datasets(self.session)

    @precondition(_has_datasets)
    @rule(draw=st.data(), name=st.sampled_from([*strategies.NAMES, " "]))
    def rename_dataset(self, draw: st.DataObject, name: str) -> None:
        """Rename a dataset."""
        writes.rename_dataset(self.session, self._datasets(draw, least=1)[0], name)

    @precondition(_has_datasets)
    @rule(draw=st.data())
    def delete_dataset(self, draw: st.DataObject) -> None:
        """Delete a dataset."""
        writes.delete_dataset(self.session, self._datasets(draw, least=1)[0])

    @precondition(_has_datasets)
    @rule(draw=st.data(), form=strategies.forms(), remove=st.booleans())
    def change_members(self, draw: st.DataObject, form: str, remove: bool) -> None:  # noqa: FBT001
        """Add files to a dataset, or take them out."""
        handle = self._datasets(draw, least=1)[0]
        writes.change_members(self.session, handle, self._files(draw), form=form, remove=remove)

    @precondition(_has_datasets)
    @rule(draw=st.data(), name=st.sampled_from(strategies.NAMES))
    def merge_datasets(self, draw: st.DataObject, name: str) -> None:
        """Merge datasets."""
        writes.merge_datasets(self.session, self._datasets(draw, least=1), name)

    # Deletes ------------------------------------------------------------------------------

    @precondition(_has_files)
    @rule(draw=st.data(), form=strategies.forms())
    def delete_files(self, draw: st.DataObject, form: str) -> None:
        """Delete files by ids."""
        writes.delete_files(self.session, self._files(draw), form=form)

    @rule(draw=st.data())
    def delete_matching(self, draw: st.DataObject) -> None:
        """Delete files by filter."""
        writes.delete_matching(self.session, self._narrow_filter_spec(draw))

    @rule(draw=st.data(), days=st.integers(0, 4))
    def delete_rows(self, draw: st.DataObject, days: int) -> None:
        """Delete readings by days."""
        writes.delete_rows(self.session, days, self._narrow_filter_spec(draw))

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        """Advance the subject's clock, if that is possible."""
        if self.session.place.advance is not None:
            self.session.place.advance(hours * 3600 * strategies.SECOND)


@functools.cache
def _handles(count: int, least: int, most: int) -> st.SearchStrategy[list[int]]:
    """Some of `count` handles; none if there are none."""
    if not count:
        return st.just([])
    return st.lists(st.integers(0, count - 1), min_size=least, max_size=most)
