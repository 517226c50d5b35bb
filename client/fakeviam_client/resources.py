"""The readings of one resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fakeviam.wire import data as wire
from fakeviam.wire.values import mapping_from
from fakeviam_client import _arguments as arguments
from fakeviam_client._records import moment_of
from fakeviam_client._service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime


class TabularDataPoint(NamedTuple):
    """One reading of an export, and what captured it (EX-1)."""

    part_id: str
    resource_name: str
    resource_api: str
    method_name: str
    time_captured: datetime
    organization_id: str
    location_id: str
    robot_name: str
    robot_id: str
    part_name: str
    method_parameters: Mapping[str, Any]
    tags: list[str]
    payload: Mapping[str, Any]


class ResourceMethods(Service):
    """The latest reading of a resource, or all of them."""

    async def get_latest_tabular_data(
        self,
        part_id: str,
        resource_name: str,
        resource_api: str,
        method_name: str,
        additional_params: Mapping[str, Any] | None = None,
    ) -> tuple[datetime, datetime, dict[str, Any]] | None:
        """The reading of a resource that was captured last, if it was synced within a year (GL-1).

        Args:
            part_id: Which part captured it.
            resource_name: Name of the resource.
            resource_api: Its API, such as `rdk:component:sensor`.
            method_name: Name of the capture method.
            additional_params: Only readings captured with exactly these (A34).

        Returns:
            When it was captured and when it was synced, aware UTC, and the reading; None if there
            is none (GL-3).

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A Struct cannot hold the parameters.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.GetLatestTabularDataRequest(
            **_resource(part_id, resource_name, resource_api, method_name),
            additional_parameters=_parameters(additional_params),
        )
        reply = await self._call(wire.GetLatestTabularDataResponse, request)
        if not reply.HasField("payload"):
            return None
        times = moment_of(reply.time_captured), moment_of(reply.time_synced)
        return (*times, mapping_from(reply.payload))

    async def export_tabular_data(
        self,
        part_id: str,
        resource_name: str,
        resource_api: str,
        method_name: str,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        additional_params: Mapping[str, Any] | None = None,
    ) -> list[TabularDataPoint]:
        """All readings of a resource, oldest first (EX-1, EX-6).

        Args:
            part_id: Which part captured them.
            resource_name: Name of the resource.
            resource_api: Its API, such as `rdk:component:sensor`.
            method_name: Name of the capture method.
            start_time: Captured at this time or later; naive is UTC (EX-2).
            end_time: Captured at this time or earlier; naive is UTC.
            additional_params: Only readings captured with exactly these (EX-3).

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A Struct cannot hold the parameters.
            GRPCError: What the server refuses, unchanged.
        """
        points = self.iter_tabular_data(
            part_id,
            resource_name,
            resource_api,
            method_name,
            start_time=start_time,
            end_time=end_time,
            additional_params=additional_params,
        )
        return [point async for point in points]

    def iter_tabular_data(
        self,
        part_id: str,
        resource_name: str,
        resource_api: str,
        method_name: str,
        *,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        additional_params: Mapping[str, object] | None = None,
    ) -> AsyncIterator[TabularDataPoint]:
        """As `export_tabular_data`, one by one as they arrive; the server waits for the reader.

        Args:
            part_id: Which part captured them.
            resource_name: Name of the resource.
            resource_api: Its API, such as `rdk:component:sensor`.
            method_name: Name of the capture method.
            start_time: Captured at this time or later; naive is UTC (EX-2).
            end_time: Captured at this time or earlier; naive is UTC.
            additional_params: Only readings captured with exactly these (EX-3).

        Raises:
            TypeError: An argument has the wrong type; raised by the call itself.
            GRPCError: What the server refuses, unchanged.
        """
        request = wire.ExportTabularDataRequest(
            **_resource(part_id, resource_name, resource_api, method_name),
            additional_parameters=_parameters(additional_params),
        )
        if start_time is not None:
            request.interval.start.CopyFrom(arguments.moment("start_time", start_time))
        if end_time is not None:
            request.interval.end.CopyFrom(arguments.moment("end_time", end_time))
        return self._points(request)

    async def _points(
        self, request: wire.ExportTabularDataRequest
    ) -> AsyncIterator[TabularDataPoint]:
        async with self._open(wire.ExportTabularDataResponse) as stream:
            await stream.send_message(request, end=True)
            async for reply in stream:
                yield _point(reply)


def _resource(
    part_id: object, resource_name: object, resource_api: object, method_name: object
) -> dict[str, Any]:
    return {
        "part_id": arguments.text("part_id", part_id),
        "resource_name": arguments.text("resource_name", resource_name),
        "resource_subtype": arguments.text("resource_api", resource_api),
        "method_name": arguments.text("method_name", method_name),
    }


def _parameters(value: object) -> Any:
    return None if value is None else arguments.reading("additional_params", value)


def _point(reply: wire.ExportTabularDataResponse) -> TabularDataPoint:
    return TabularDataPoint(
        part_id=reply.part_id,
        resource_name=reply.resource_name,
        resource_api=reply.resource_subtype,
        method_name=reply.method_name,
        time_captured=moment_of(reply.time_captured),
        organization_id=reply.organization_id,
        location_id=reply.location_id,
        robot_name=reply.robot_name,
        robot_id=reply.robot_id,
        part_name=reply.part_name,
        method_parameters=mapping_from(reply.method_parameters),
        tags=list(reply.tags),
        payload=mapping_from(reply.payload),
    )
