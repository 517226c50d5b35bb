"""The roles of API keys; `server/state/roles.py` says what each may do."""

from __future__ import annotations

from typing import Literal

Role = Literal["owner", "operator"]
