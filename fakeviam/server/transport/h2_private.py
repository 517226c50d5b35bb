"""Private parts of h2: all that fakeviam touches of them, under an upper bound in pyproject.toml.

`tests/unit/server/test_private_parts.py` says in words what a new release has moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings

from fakeviam.server.transport.frames import PREFACE

if TYPE_CHECKING:
    from fakeviam.server.transport.limits import ConnectionLimits

#: Bytes that a client may send of one call before the call has taken them.
STREAM_WINDOW = 1024 * 1024

#: Bytes on the way of all calls together; they are given back as they come.
CONNECTION_WINDOW = 8 * 1024 * 1024

#: Calls, for h2, which ends a connection that opens one too many; ours are refused one by one.
_NO_LIMIT = 2**31 - 1


class ServerH2(H2Connection):
    """The server's side, where one call's mistakes are left to us instead of ending them all."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Have the settings and the greeting of a connection ready to be sent."""
        super().__init__(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_inbound_headers=False,  # head.py does, call by call
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        told = {
            SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
            SettingCodes.MAX_HEADER_LIST_SIZE: limits.header_list_bytes,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        }
        self.local_settings = Settings(client=False, initial_values=told)
        self.initiate_connection()
        # What was told is what h2 asks for, too; but for the number of calls.
        held = {**told, SettingCodes.MAX_CONCURRENT_STREAMS: _NO_LIMIT}
        self.local_settings = Settings(client=False, initial_values=held)
        self.decoder.max_header_list_size = 4 * limits.header_list_bytes
        self.receive_data(PREFACE)  # the frames come without it
        self.increment_flow_control_window(CONNECTION_WINDOW - self.inbound_flow_control_window)

    def _begin_new_stream(self, *args: Any, **options: Any) -> Any:
        stream = super()._begin_new_stream(*args, **options)
        # A wrong content-length would end the connection.
        vars(stream)["_initialize_content_length"] = _ignore
        return stream


def _ignore(_: object) -> None:
    """Do nothing."""
