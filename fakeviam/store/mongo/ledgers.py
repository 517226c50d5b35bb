"""The fleet and the API keys, shared by all servers on a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakeviam.store.mongo.database import insert

if TYPE_CHECKING:
    from fakeviam.store.mongo.database import Database


class MongoLedgers:
    """Versioned values; a new version is saved by one server only."""

    def __init__(self, database: Database) -> None:
        """Store values in a database."""
        self._state = database.state
        self.seed = database.seed
        self.server = database.server
        self.fresh = database.fresh

    def load(self, name: str, version: int) -> tuple[int, object] | None:
        row = self._state.find_one({"_id": name, "version": {"$ne": version}})
        return None if row is None else (row["version"], row["value"])

    def save(self, name: str, value: object, version: int) -> bool:
        if version == 0:
            return insert(self._state, {"_id": name, "version": 1, "value": value})
        update = {"$set": {"value": value}, "$inc": {"version": 1}}
        which = {"_id": name, "version": version}
        return self._state.update_one(which, update).matched_count == 1
