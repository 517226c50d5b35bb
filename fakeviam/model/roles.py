"""The roles of API keys; `server/state/roles.py` defines their permissions."""

from __future__ import annotations

from typing import Literal

Role = Literal["owner", "operator"]
