"""JSON of long lists: encoded entry by entry, and sent in pieces, while others are answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Receive, Scope, Send

#: Bytes that are sent at once: only so many wait in the connection's buffer.
_PIECE = 256 * 1024


def encoded(content: object) -> bytes:
    """The JSON of a value."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    # Lone surrogates become escapes, which JSON allows.
    return text.encode(errors="backslashreplace")


class JsonList(Response):
    """An object with a long list in it."""

    media_type = "application/json"

    def __init__(self, name: str, entries: Iterable[bytes], rest: Mapping[str, object]) -> None:
        """Respond with the field `name`, a list of encoded entries, and with `rest`."""
        fields = [encoded(name) + b": [" + b", ".join(entries) + b"]"]
        fields += (encoded(each) + b": " + encoded(value) for each, value in rest.items())
        super().__init__(b"{" + b", ".join(fields) + b"}\n")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - of ASGI
        """Send it."""
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        body = memoryview(self.body)
        for at in range(0, len(body), _PIECE):
            piece, more = bytes(body[at : at + _PIECE]), at + _PIECE < len(body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})
