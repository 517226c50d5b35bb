"""The Viam data cloud on a laptop.

    from fakeviam import FakeViam

    with FakeViam() as cloud:
        print(cloud.target, cloud.unix_socket)

Everything users need is here; the packages below are private.
"""

from __future__ import annotations

from fakeviam.model.clock import Clock
from fakeviam.model.errors import FakeViamError, UsageError
from fakeviam.model.evidence import Clause, Evidence
from fakeviam.model.fleet import Fleet, Part
from fakeviam.model.policy import PageLimit, Policy
from fakeviam.server.accounts import ApiKey
from fakeviam.server.fake import FakeViam, HandlerCrashError

__all__ = [
    "ApiKey",
    "Clause",
    "Clock",
    "Evidence",
    "FakeViam",
    "FakeViamError",
    "Fleet",
    "HandlerCrashError",
    "PageLimit",
    "Part",
    "Policy",
    "UsageError",
]
