"""Messages and values as Python, with ids by the names they have in a script."""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fakeviam.wire.values import mapping_from

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

_MODULES = MappingProxyType(
    {
        "viam.app.data.v1": "data",
        "viam.app.dataset.v1": "dataset",
        "viam.app.datasync.v1": "datasync",
        "proto.rpc.v1": "auth",
        "google.protobuf": "well_known",
    }
)
LABEL = "VIAM_DATASET_"

#: Contents of one byte over and over are written as such from this length on.
LONG = 100


class Names:
    """What ids and names are called in a script.

    Attributes:
        ids: Ids known so far, by the list that holds them.
        times: Expressions for times that the subject chose.
        tokens: Expressions for tokens of pages.
    """

    def __init__(self, scope: str) -> None:
        """Call what begins with `scope` after the script's own scope."""
        self._scope = scope
        self.ids: dict[str, list[str]] = {"FILES": [], "BOXES": [], "DATASETS": []}
        self.times: dict[int, str] = {}
        self.tokens: dict[str, str] = {}

    def type(self, cls: type[Message]) -> str:
        """The name of a message class."""
        package, _, name = cls.DESCRIPTOR.full_name.rpartition(".")
        return f"{_MODULES[package]}.{name}"

    def message(self, message: Message) -> str:
        """A message as the call that makes it."""
        kind = message.DESCRIPTOR.full_name
        if kind == "google.protobuf.Struct":
            return f"struct({self.literal(mapping_from(message))})"  # type: ignore[arg-type]
        said = [
            f"{field.name}={self._field(field, value)}" for field, value in message.ListFields()
        ]
        return f"{self.type(type(message))}({', '.join(said)})"

    def _field(self, field: FieldDescriptor, value: Any) -> str:
        if hasattr(value, "DESCRIPTOR"):
            return self.message(value)
        if field.enum_type is not None and field.number is not None:
            package = field.enum_type.full_name.rpartition(".")[0]
            name = field.enum_type.values_by_number.get(value)
            return f"{_MODULES[package]}.{name.name}" if name is not None else repr(value)
        if isinstance(value, (str, bytes, bool, int, float)):
            return self.literal(value)
        if hasattr(value, "items"):
            pairs = (f"{self.literal(key)}: {self._entry(value[key])}" for key in sorted(value))
            return f"{{{', '.join(pairs)}}}"
        return f"[{', '.join(map(self._entry, value))}]"

    def _entry(self, value: Any) -> str:
        """An entry of a list or a map."""
        return self.message(value) if hasattr(value, "DESCRIPTOR") else self.literal(value)

    def literal(self, value: Any) -> str:
        """A plain value as an expression."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            pairs = (f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items())
            return f"{{{', '.join(pairs)}}}"
        if isinstance(value, (list, tuple)):
            inner = ", ".join(map(self.literal, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * bool(value)})"
        if isinstance(value, int) and not isinstance(value, bool) and value in self.times:
            return self.times[value]
        return _scalar(value)

    def _text(self, text: str) -> str:
        if text in self.tokens:
            return self.tokens[text]
        for name, ids in self.ids.items():
            for at, known in enumerate(ids):
                if text == known:
                    return f"{name}[{at}]"
                if text == LABEL + known and name == "DATASETS":
                    return f"{LABEL!r} + DATASETS[{at}]"
                if name == "FILES" and text and text == known.rpartition("/")[2]:
                    return f'FILES[{at}].rpartition("/")[2]'
        if self._scope and self._scope in text:
            before, _, after = text.partition(self._scope)
            words = [repr(before) if before else "", "SCOPE", repr(after) if after else ""]
            return " + ".join(word for word in words if word)
        return repr(text)


def _scalar(value: Any) -> str:
    if isinstance(value, bytes) and len(value) > LONG and len(set(value)) == 1:
        return f"{value[:1]!r} * {len(value)}"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def plain(value: Any) -> Any:
    """A claim's value with nothing in it but what Python writes as a literal."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_member, value), key=repr)
    if isinstance(value, dict):
        return {key: _sorted_data(key, plain(inner)) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def _member(value: Any) -> Any:
    """Members of sets stay tuples, as a script's own sets hold them."""
    return value if isinstance(value, tuple) else plain(value)


def _sorted_data(key: Any, value: Any) -> Any:
    """The order of keys in a reading means nothing."""
    return dict(sorted(value.items())) if key == "data" and isinstance(value, dict) else value
