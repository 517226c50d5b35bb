"""What a handler of a unary RPC is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fakeviam.server.state.call import Call

    #: RPC name → handler. Each takes the call and its request, and answers a message.
    Handlers = Mapping[str, Callable[[Call, Any], Any]]
