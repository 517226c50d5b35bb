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

    from fakeviam.model.clock import Clock
    from fakeviam.model.errors import FakeViamError, UsageError
    from fakeviam.model.evidence import Clause, Evidence
    from fakeviam.model.fleet import Fleet, Part
    from fakeviam.model.policy import PageLimit, Policy
    from fakeviam.server.accounts import ApiKey
    from fakeviam.server.controls import HandlerCrashError
    from fakeviam.server.explanation import Explanation
    from fakeviam.server.fake import FakeViam
    from fakeviam.server.faults.fault import Fault
    from fakeviam.server.faults.plan import UnfiredFaultError
    from fakeviam.server.interceptors import Cut, Interceptor
    from fakeviam.server.journal.calls import Calls, CallsError
    from fakeviam.server.journal.record import RecordedCall
    from fakeviam.server.session import Session
    from fakeviam.server.strict import StrictError
    from fakeviam.store.memory import MemoryStore

__version__ = "0.1.0"

__all__ = [
    "ApiKey",
    "Calls",
    "CallsError",
    "Clause",
    "Clock",
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
    "PageLimit",
    "Part",
    "Policy",
    "RecordedCall",
    "Session",
    "StrictError",
    "UnfiredFaultError",
    "UsageError",
]

# Loaded when first asked for: pytest imports this package in every run of everyone who has
# it installed, whether a test uses the fake or not.
_HOMES: Mapping[str, str] = MappingProxyType(
    {
        "ApiKey": "fakeviam.server.accounts",
        "Calls": "fakeviam.server.journal.calls",
        "CallsError": "fakeviam.server.journal.calls",
        "Clause": "fakeviam.model.evidence",
        "Clock": "fakeviam.model.clock",
        "Cut": "fakeviam.server.interceptors",
        "Evidence": "fakeviam.model.evidence",
        "Explanation": "fakeviam.server.explanation",
        "FakeViam": "fakeviam.server.fake",
        "FakeViamError": "fakeviam.model.errors",
        "Fault": "fakeviam.server.faults.fault",
        "Fleet": "fakeviam.model.fleet",
        "HandlerCrashError": "fakeviam.server.controls",
        "Interceptor": "fakeviam.server.interceptors",
        "MemoryStore": "fakeviam.store.memory",
        "PageLimit": "fakeviam.model.policy",
        "Part": "fakeviam.model.fleet",
        "Policy": "fakeviam.model.policy",
        "RecordedCall": "fakeviam.server.journal.record",
        "Session": "fakeviam.server.session",
        "StrictError": "fakeviam.server.strict",
        "UnfiredFaultError": "fakeviam.server.faults.plan",
        "UsageError": "fakeviam.model.errors",
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
