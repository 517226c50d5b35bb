"""The Viam data cloud on a laptop.

    from fakeviam import FakeViam

    with FakeViam() as cloud:
        print(cloud.target, cloud.unix_socket)

Everything users need is here; the packages below are private.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakeviam.fake import FakeViam
    from fakeviam.model.clock import Clock
    from fakeviam.model.errors import FakeViamError, UsageError
    from fakeviam.model.evidence import Clause, Evidence
    from fakeviam.model.fleet import Fleet, Part
    from fakeviam.model.policy import PageLimit, Policy
    from fakeviam.model.read_options import ReadOptions
    from fakeviam.server.instruments.explain.explanation import Explanation
    from fakeviam.server.instruments.faults.fault import Fault
    from fakeviam.server.instruments.faults.plan import UnfiredFaultError
    from fakeviam.server.instruments.interceptors import Cut, Interceptor
    from fakeviam.server.instruments.journal.calls import Calls, CallsError
    from fakeviam.server.instruments.journal.record import RecordedCall
    from fakeviam.server.instruments.strict import StrictError
    from fakeviam.server.lifecycle.handle import HandlerCrashError
    from fakeviam.server.lifecycle.session import Session
    from fakeviam.server.lifecycle.shelf import Snapshot
    from fakeviam.server.state.accounts import ApiKey
    from fakeviam.server.transport.limits import ConnectionLimits
    from fakeviam.server.transport.tls.settings import Tls
    from fakeviam.store.memory import MemoryStore
    from fakeviam.version import __version__ as __version__
    from fakeviam.views import NotStoredError, StoredDataset, StoredFile, StoredReading, View

__all__ = [
    "ApiKey",
    "Calls",
    "CallsError",
    "Clause",
    "Clock",
    "ConnectionLimits",
    "Cut",
    "Evidence",
    "Explanation",
    "FakeViam",
    "FakeViamError",
    "Fault",
    "Fleet",
    "HandlerCrashError",
    "Interceptor",
    "MemoryStore",
    "NotStoredError",
    "PageLimit",
    "Part",
    "Policy",
    "ReadOptions",
    "RecordedCall",
    "Session",
    "Snapshot",
    "StoredDataset",
    "StoredFile",
    "StoredReading",
    "StrictError",
    "Tls",
    "UnfiredFaultError",
    "UsageError",
    "View",
]

# Loaded when first asked for: pytest imports this package in every run of everyone who has
# it installed, whether a test uses the fake or not.
_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "ApiKey": "fakeviam.server.state.accounts",
        "Calls": "fakeviam.server.instruments.journal.calls",
        "CallsError": "fakeviam.server.instruments.journal.calls",
        "Clause": "fakeviam.model.evidence",
        "Clock": "fakeviam.model.clock",
        "ConnectionLimits": "fakeviam.server.transport.limits",
        "Cut": "fakeviam.server.instruments.interceptors",
        "Evidence": "fakeviam.model.evidence",
        "Explanation": "fakeviam.server.instruments.explain.explanation",
        "FakeViam": "fakeviam.fake",
        "FakeViamError": "fakeviam.model.errors",
        "Fault": "fakeviam.server.instruments.faults.fault",
        "Fleet": "fakeviam.model.fleet",
        "HandlerCrashError": "fakeviam.server.lifecycle.handle",
        "Interceptor": "fakeviam.server.instruments.interceptors",
        "MemoryStore": "fakeviam.store.memory",
        "NotStoredError": "fakeviam.views",
        "PageLimit": "fakeviam.model.policy",
        "Part": "fakeviam.model.fleet",
        "Policy": "fakeviam.model.policy",
        "ReadOptions": "fakeviam.model.read_options",
        "RecordedCall": "fakeviam.server.instruments.journal.record",
        "Session": "fakeviam.server.lifecycle.session",
        "Snapshot": "fakeviam.server.lifecycle.shelf",
        "StoredDataset": "fakeviam.views",
        "StoredFile": "fakeviam.views",
        "StoredReading": "fakeviam.views",
        "StrictError": "fakeviam.server.instruments.strict",
        "Tls": "fakeviam.server.transport.tls.settings",
        "UnfiredFaultError": "fakeviam.server.instruments.faults.plan",
        "UsageError": "fakeviam.model.errors",
        "View": "fakeviam.views",
        "__version__": "fakeviam.version",
    }
)


# Hidden from type checkers: to them, a module with __getattr__ has every name there is.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        from importlib import import_module  # noqa: PLC0415 - only while names are loaded

        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
