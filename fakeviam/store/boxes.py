"""Writing boxes: three ways to change the boxes of a record, the same for every store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakeviam.model.annotations import BoundingBox

    #: What becomes of the boxes of a record.
    Change = Callable[[tuple[BoundingBox, ...]], tuple[BoundingBox, ...]]


class BoxWriter(ABC):
    """What the store protocol says of boxes, by one change of all boxes of a record."""

    def add_box(self, file_id: str, box: BoundingBox) -> bool:
        return self._change_boxes(file_id, lambda boxes: (*boxes, box))

    def replace_box(
        self, file_id: str, box_id: str, change: Callable[[BoundingBox], BoundingBox]
    ) -> bool:
        return self._change_boxes(
            file_id,
            lambda boxes: tuple(change(box) if box.id == box_id else box for box in boxes),
            box_id,
        )

    def remove_box(self, file_id: str, box_id: str) -> bool:
        return self._change_boxes(
            file_id, lambda boxes: tuple(box for box in boxes if box.id != box_id), box_id
        )

    @abstractmethod
    def _change_boxes(self, file_id: str, change: Change, needed: str | None = None) -> bool:
        """Change the boxes of a record, if there is one and it has the needed box."""
