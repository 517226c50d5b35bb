"""Building filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.wire import data
from fakeviam_client._arguments import flag, moment, optional_text, optional_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


def create_filter(
    component_name: str | None = None,
    component_type: str | None = None,
    method: str | None = None,
    robot_name: str | None = None,
    robot_id: str | None = None,
    part_name: str | None = None,
    part_id: str | None = None,
    location_ids: Sequence[str] | None = None,
    organization_ids: Sequence[str] | None = None,
    mime_type: Sequence[str] | None = None,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    tags: Sequence[str] | None = None,
    bbox_labels: Sequence[str] | None = None,
    dataset_id: str | None = None,
    *,
    tagged: bool | None = None,
) -> data.Filter:
    """Make a filter; every argument that is given narrows it (FI-1 … FI-13).

    An empty string or list narrows nothing (FI-3).

    Args:
        component_name: Name of the component that captured the data.
        component_type: Its type, as it was uploaded, for example `rdk:component:camera`.
        method: Name of the capture method.
        robot_name: Name of the robot.
        robot_id: Its id, a UUID.
        part_name: Name of the part.
        part_id: Its id, a UUID.
        location_ids: Any of these locations.
        organization_ids: Any of these organizations.
        mime_type: Any of these MIME types.
        start_time: Captured at this time or later; naive is UTC (FI-13, TM-1).
        end_time: Captured at this time or earlier; naive is UTC.
        tags: Carrying any of these tags (FI-6).
        bbox_labels: With a bounding box of any of these labels.
        dataset_id: Members of this dataset.
        tagged: True for records with any tag, False for those without one (FI-7).

    Raises:
        TypeError: An argument has the wrong type; the message names it.
        ValueError: `tagged` is given together with `tags`, or a time lies outside the years 1 to
            9999.
    """
    filter_ = data.Filter(
        component_name=optional_text("component_name", component_name),
        component_type=optional_text("component_type", component_type),
        method=optional_text("method", method),
        robot_name=optional_text("robot_name", robot_name),
        robot_id=optional_text("robot_id", robot_id),
        part_name=optional_text("part_name", part_name),
        part_id=optional_text("part_id", part_id),
        location_ids=optional_texts("location_ids", location_ids),
        organization_ids=optional_texts("organization_ids", organization_ids),
        mime_type=optional_texts("mime_type", mime_type),
        tags_filter=_tags_filter(tags, tagged),
        bbox_labels=optional_texts("bbox_labels", bbox_labels),
        dataset_id=optional_text("dataset_id", dataset_id),
    )
    if start_time is not None:
        filter_.interval.start.CopyFrom(moment("start_time", start_time))
    if end_time is not None:
        filter_.interval.end.CopyFrom(moment("end_time", end_time))
    return filter_


def _tags_filter(tags: Sequence[str] | None, tagged: bool | None) -> data.TagsFilter:
    listed = optional_texts("tags", tags)
    if tagged is None:
        return data.TagsFilter(tags=listed)
    if listed:
        raise ValueError("tagged and tags cannot be combined")
    any_tag = flag("tagged", tagged)
    return data.TagsFilter(
        type=data.TAGS_FILTER_TYPE_TAGGED if any_tag else data.TAGS_FILTER_TYPE_UNTAGGED
    )
