"""All targets, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from campaigns.fuzz.control import Control
from campaigns.fuzz.database import Database
from campaigns.fuzz.files import FILE_TARGETS
from campaigns.fuzz.http2 import WIRE_TARGETS
from campaigns.fuzz.page import Page
from campaigns.fuzz.rpcs import Bytes, Messages
from campaigns.fuzz.web import WebPages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from campaigns.fuzz.target import Target

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Messages(),
            Bytes(),
            *WIRE_TARGETS,
            Control(),
            WebPages(),
            Database(),
            Page(),
            *FILE_TARGETS,
        )
    }
)
