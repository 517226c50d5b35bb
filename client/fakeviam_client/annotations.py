"""Tags and bounding boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data as wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message


class AnnotationMethods(Service):
    """Tags and bounding boxes on binary data."""

    async def add_tags_to_binary_data_by_ids(
        self, tags: Sequence[str], binary_ids: Sequence[Message | str]
    ) -> None:
        """Add tags to files; a tag that is there already is not added again (TA-1).

        Args:
            tags: At least one, none blank.
            binary_ids: At least one `BinaryID` or string id.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no tags or no ids (TA-2).
        """
        ids = arguments.apart(arguments.binary_ids(binary_ids))
        request = wire.AddTagsToBinaryDataByIDsRequest(tags=arguments.texts("tags", tags), **ids)
        await self._call(wire.AddTagsToBinaryDataByIDsResponse, request)

    async def add_tags_to_binary_data_by_filter(
        self,
        tags: Sequence[str],
        filter: Message | None = None,
    ) -> None:
        """Add tags to all files that a filter selects; without one, to every file (TA-3).

        Args:
            tags: At least one, none blank.
            filter: A `Filter`; None is everything.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no tags (TA-2).
        """
        request = wire.AddTagsToBinaryDataByFilterRequest(
            tags=arguments.texts("tags", tags), filter=arguments.optional_filter(filter)
        )
        await self._call(wire.AddTagsToBinaryDataByFilterResponse, request)

    async def remove_tags_from_binary_data_by_ids(
        self, tags: Sequence[str], binary_ids: Sequence[Message | str]
    ) -> int:
        """Remove tags from files (TR-1).

        Args:
            tags: At least one.
            binary_ids: At least one `BinaryID` or string id.

        Returns:
            The number of tags removed (TR-2).

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no tags or no ids.
        """
        ids = arguments.apart(arguments.binary_ids(binary_ids))
        request = wire.RemoveTagsFromBinaryDataByIDsRequest(
            tags=arguments.texts("tags", tags), **ids
        )
        return (await self._call(wire.RemoveTagsFromBinaryDataByIDsResponse, request)).deleted_count

    async def remove_tags_from_binary_data_by_filter(
        self,
        tags: Sequence[str],
        filter: Message | None = None,
    ) -> int:
        """Remove tags from all files that a filter selects; without one, from every file.

        Args:
            tags: At least one.
            filter: A `Filter`; None is everything.

        Returns:
            The number of tags removed (TR-2).

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There are no tags (TR-1).
        """
        request = wire.RemoveTagsFromBinaryDataByFilterRequest(
            tags=arguments.texts("tags", tags), filter=arguments.optional_filter(filter)
        )
        reply = await self._call(wire.RemoveTagsFromBinaryDataByFilterResponse, request)
        return reply.deleted_count

    async def tags_by_filter(
        self,
        filter: Message | None = None,
    ) -> list[str]:
        """The distinct tags of the data that a filter selects (TG-1).

        Args:
            filter: A `Filter`; None is all data.

        Returns:
            The tags.

        Raises:
            TypeError: The filter has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.TagsByFilterRequest(filter=arguments.optional_filter(filter))
        return list((await self._call(wire.TagsByFilterResponse, request)).tags)

    async def add_bounding_box_to_image_by_id(
        self,
        binary_id: Message | str,
        label: str,
        x_min_normalized: float,
        y_min_normalized: float,
        x_max_normalized: float,
        y_max_normalized: float,
        *,
        confidence: float | None = None,
    ) -> str:
        """Put a bounding box on an image (BX-1 … BX-8).

        Args:
            binary_id: A `BinaryID` or string id.
            label: What it shows; not blank.
            x_min_normalized: Left edge, as a fraction of the width, 0 to 1.
            y_min_normalized: Top edge, as a fraction of the height, 0 to 1.
            x_max_normalized: Right edge.
            y_max_normalized: Bottom edge.
            confidence: The confidence, 0 to 1.

        Returns:
            The id of the box.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: A coordinate is outside 0 to 1 (BX-2), and what else the server refuses.
        """
        request = wire.AddBoundingBoxToImageByIDRequest(
            **arguments.binary_id(binary_id),
            label=arguments.text("label", label),
            x_min_normalized=arguments.number("x_min_normalized", x_min_normalized),
            y_min_normalized=arguments.number("y_min_normalized", y_min_normalized),
            x_max_normalized=arguments.number("x_max_normalized", x_max_normalized),
            y_max_normalized=arguments.number("y_max_normalized", y_max_normalized),
        )
        if confidence is not None:
            request.confidence = arguments.number("confidence", confidence)
        return (await self._call(wire.AddBoundingBoxToImageByIDResponse, request)).bbox_id

    async def remove_bounding_box_from_image_by_id(
        self, bbox_id: str, binary_id: Message | str
    ) -> None:
        """Remove one bounding box from an image (BR-1).

        Args:
            bbox_id: Which box.
            binary_id: `BinaryID` or string id of the image.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such box (BR-2).
        """
        request = wire.RemoveBoundingBoxFromImageByIDRequest(
            bbox_id=arguments.text("bbox_id", bbox_id), **arguments.binary_id(binary_id)
        )
        await self._call(wire.RemoveBoundingBoxFromImageByIDResponse, request)

    async def bounding_box_labels_by_filter(
        self,
        filter: Message | None = None,
    ) -> list[str]:
        """The distinct labels of boxes on the data that a filter selects (BL-1).

        Args:
            filter: A `Filter`; None is all data.

        Returns:
            The labels.

        Raises:
            TypeError: The filter has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.BoundingBoxLabelsByFilterRequest(filter=arguments.optional_filter(filter))
        return list((await self._call(wire.BoundingBoxLabelsByFilterResponse, request)).labels)
