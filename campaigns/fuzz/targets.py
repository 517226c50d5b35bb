"""All targets, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from campaigns.fuzz.control import Control
from campaigns.fuzz.files import FILE_TARGETS
from campaigns.fuzz.http2 import WIRE_TARGETS
from campaigns.fuzz.rpcs import Bytes, Messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from campaigns.fuzz.target import Target

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (Messages(), Bytes(), *WIRE_TARGETS, Control(), *FILE_TARGETS)
    }
)
