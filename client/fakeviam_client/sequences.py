"""Sequences, their datasets, and exports of these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fakeviam.wire import data as wire
from fakeviam.wire import dataset as dataset_wire
from fakeviam_client import _arguments as arguments
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from google.protobuf.message import Message


class SequenceMethods(Service):
    """Saved selections of a part's data."""

    async def create_sequence(
        self,
        part_id: str,
        resources: Sequence[Message],
        start_time: datetime,
        end_time: datetime,
        sequence_tags: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> str:
        """Save a selection of a part's data (SQ-1).

        Args:
            part_id: Whose data.
            resources: `SequenceResourceFilter` messages: name and method of each.
            start_time: The beginning of the window, which is inside; naive is UTC (SQ-4).
            end_time: Its end, which is inside too.
            sequence_tags: Tags of the sequence.
            timeout: Seconds to wait for the answer.

        Returns:
            The id of the sequence.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.CreateSequenceRequest(
            part_id=arguments.text("part_id", part_id),
            resources=_resources(resources),
            sequence_tags=arguments.optional_texts("sequence_tags", sequence_tags),
            start_time=arguments.moment("start_time", start_time),
            end_time=arguments.moment("end_time", end_time),
        )
        return (await self._call(wire.CreateSequenceResponse, request, timeout)).id

    async def get_sequence(self, id: str, timeout: float | None = None) -> wire.Sequence:
        """A sequence (SQ-1).

        Args:
            id: Which sequence.
            timeout: Seconds to wait for the answer.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such sequence.
        """
        request = wire.GetSequenceRequest(id=arguments.text("id", id))
        return (await self._call(wire.GetSequenceResponse, request, timeout)).sequence

    async def update_sequence(
        self,
        id: str,
        resources: Sequence[Message] | None = None,
        sequence_tags: Sequence[str] | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        timeout: float | None = None,
    ) -> None:
        """Change what is given of a sequence (SQ-2).

        Args:
            id: Which sequence.
            resources: Other resources.
            sequence_tags: Other tags; an empty list takes all away.
            start_time: Another beginning; naive is UTC.
            end_time: Another end.
            timeout: Seconds to wait for the answer.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: Nothing is given.
            GRPCError: There is no such sequence, and what else the server refuses.
        """
        request = wire.UpdateSequenceRequest(id=arguments.text("id", id))
        paths: list[str] = []
        if resources is not None:
            request.resources.extend(_resources(resources))
            paths.append("resources")
        if sequence_tags is not None:
            request.sequence_tags.extend(arguments.texts("sequence_tags", sequence_tags))
            paths.append("sequence_tags")
        if start_time is not None:
            request.start_time.CopyFrom(arguments.moment("start_time", start_time))
            paths.append("start_time")
        if end_time is not None:
            request.end_time.CopyFrom(arguments.moment("end_time", end_time))
            paths.append("end_time")
        if not paths:
            raise ValueError("give resources, sequence_tags, start_time or end_time")
        request.field_mask.paths.extend(paths)
        await self._call(wire.UpdateSequenceResponse, request, timeout)

    async def delete_sequence(self, id: str, timeout: float | None = None) -> None:
        """Forget a sequence; its data stays (SQ-3).

        Args:
            id: Which sequence.
            timeout: Seconds to wait for the answer.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such sequence.
        """
        request = wire.DeleteSequenceRequest(id=arguments.text("id", id))
        await self._call(wire.DeleteSequenceResponse, request, timeout)

    async def list_sequences(
        self,
        organization_id: str,
        page_token: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> tuple[list[wire.Sequence], str]:
        """A page of an organization's sequences (SQ-5).

        Args:
            organization_id: Whose sequences.
            page_token: Continue after an earlier page.
            page_size: How many at most.
            timeout: Seconds to wait for the answer.

        Returns:
            The sequences, and the token of the next page; empty at the end.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The number is negative.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.ListSequencesRequest(
            organization_id=arguments.text("organization_id", organization_id),
            page_token=arguments.optional_text("page_token", page_token),
            page_size=arguments.optional_whole("page_size", page_size) or 0,
        )
        reply = await self._call(wire.ListSequencesResponse, request, timeout)
        return list(reply.sequences), reply.next_page_token

    async def sequences_by_dataset_id(
        self,
        dataset_id: str,
        page_token: str | None = None,
        page_size: int | None = None,
        count_only: bool | None = None,
        timeout: float | None = None,
    ) -> tuple[list[wire.Sequence], str, int]:
        """A page of a dataset's sequences, or their number alone (SQ-6).

        Args:
            dataset_id: Which dataset.
            page_token: Continue after an earlier page.
            page_size: How many at most.
            count_only: Fetch no sequences.
            timeout: Seconds to wait for the answer.

        Returns:
            The sequences, the token of the next page, and how many there are in all.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The number is negative.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.SequencesByDatasetIDRequest(
            dataset_id=arguments.text("dataset_id", dataset_id),
            count_only=count_only is not None and arguments.flag("count_only", count_only),
            page_token=arguments.optional_text("page_token", page_token),
            page_size=arguments.optional_whole("page_size", page_size) or 0,
        )
        reply = await self._call(wire.SequencesByDatasetIDResponse, request, timeout)
        return list(reply.sequences), reply.next_page_token, reply.count

    async def get_sequence_binary_data(
        self,
        sequence_id: str,
        page_token: str | None = None,
        page_size: int | None = None,
        timeout: float | None = None,
    ) -> tuple[list[wire.BinaryData], str]:
        """A page of the images inside a sequence (SQ-7, SQ-8).

        Args:
            sequence_id: Which sequence.
            page_token: Continue after an earlier page.
            page_size: How many at most.
            timeout: Seconds to wait for the answer.

        Returns:
            The images, and the token of the next page; empty at the end.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: The number is negative.
            GRPCError: There is no such sequence.
        """
        request = wire.GetSequenceBinaryDataRequest(
            sequence_id=arguments.text("sequence_id", sequence_id),
            page_token=arguments.optional_text("page_token", page_token),
            page_size=arguments.optional_whole("page_size", page_size) or 0,
        )
        reply = await self._call(wire.GetSequenceBinaryDataResponse, request, timeout)
        return list(reply.data), reply.next_page_token

    async def add_sequences_to_dataset(
        self, dataset_id: str, sequence_ids: Sequence[str], timeout: float | None = None
    ) -> None:
        """Make sequences members of a dataset, all of them or none (SQ-9, SQ-10).

        Args:
            dataset_id: Which dataset.
            sequence_ids: Which sequences.
            timeout: Seconds to wait for the answer.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: One of them is unknown, and what else the server refuses.
        """
        request = wire.AddSequencesToDatasetRequest(
            dataset_id=arguments.text("dataset_id", dataset_id),
            sequence_ids=arguments.texts("sequence_ids", sequence_ids),
        )
        await self._call(wire.AddSequencesToDatasetResponse, request, timeout)

    async def remove_sequences_from_dataset(
        self, dataset_id: str, sequence_ids: Sequence[str], timeout: float | None = None
    ) -> None:
        """End memberships, all of them or none (SQ-9, SQ-10).

        Args:
            dataset_id: Which dataset.
            sequence_ids: Which sequences.
            timeout: Seconds to wait for the answer.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: One of them is unknown, and what else the server refuses.
        """
        request = wire.RemoveSequencesFromDatasetRequest(
            dataset_id=arguments.text("dataset_id", dataset_id),
            sequence_ids=arguments.texts("sequence_ids", sequence_ids),
        )
        await self._call(wire.RemoveSequencesFromDatasetResponse, request, timeout)

    async def start_sequence_dataset_export(
        self, dataset_id: str, timeout: float | None = None
    ) -> str:
        """Start writing a dataset of sequences into a file (EJ-1).

        Args:
            dataset_id: Which dataset.
            timeout: Seconds to wait for the answer.

        Returns:
            The id of the job.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: What the server refuses, unchanged.
        """
        request = dataset_wire.StartSequenceDatasetExportRequest(
            dataset_id=arguments.text("dataset_id", dataset_id)
        )
        return (
            await self._call(dataset_wire.StartSequenceDatasetExportResponse, request, timeout)
        ).job_id

    async def get_sequence_dataset_export(
        self, job_id: str, timeout: float | None = None
    ) -> dataset_wire.GetSequenceDatasetExportResponse:
        """How far an export is, and where its file is (EJ-1, EJ-2).

        Args:
            job_id: Which job.
            timeout: Seconds to wait for the answer.

        Raises:
            TypeError: An argument has the wrong type.
            GRPCError: There is no such job.
        """
        request = dataset_wire.GetSequenceDatasetExportRequest(
            job_id=arguments.text("job_id", job_id)
        )
        return await self._call(dataset_wire.GetSequenceDatasetExportResponse, request, timeout)


def _resources(value: object) -> list[wire.SequenceResourceFilter]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise arguments.wrong("resources", "a list of SequenceResourceFilter messages", value)
    return [
        arguments.message(f"resources[{place}]", wire.SequenceResourceFilter, each)
        for place, each in enumerate(value)
    ]
