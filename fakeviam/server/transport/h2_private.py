"""The only file that uses private parts of h2; pyproject.toml has an upper bound for its version.

`tests/unit/server/test_private_parts.py` fails with an explanation when a release moves them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, H2Connection
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from fakeviam.server.transport.frames import PREFACE

if TYPE_CHECKING:
    from h2.errors import ErrorCodes

    from fakeviam.server.transport.limits import ConnectionLimits

#: The flow-control window of a stream: bytes of a call that are received before it reads them.
STREAM_WINDOW = 1024 * 1024

#: The window of the connection: bytes in transit for all calls; returned as they arrive.
CONNECTION_WINDOW = 8 * 1024 * 1024

#: h2's limit of streams, which closes the connection; ours refuses single calls before that.
_NO_LIMIT = 2**31 - 1


class Body(NamedTuple):
    """A DATA frame as h2 represents it, without padding."""

    stream_id: int
    data: bytes
    flags: tuple[str, ...]
    flow_controlled_length: int


class ServerH2(H2Connection):
    """The server's side of h2, with errors in a single call left to us."""

    def __init__(self, limits: ConnectionLimits) -> None:
        """Queue the settings and the preface of a connection."""
        super().__init__(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_inbound_headers=False,  # head.py validates, and refuses single calls
                normalize_inbound_headers=False,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        announced = {
            SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
            SettingCodes.MAX_HEADER_LIST_SIZE: limits.header_list_bytes,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        }
        self.local_settings = Settings(client=False, initial_values=announced)
        self.initiate_connection()
        # h2 enforces the settings that it announced, except for the number of streams.
        enforced = {**announced, SettingCodes.MAX_CONCURRENT_STREAMS: _NO_LIMIT}
        self.local_settings = Settings(client=False, initial_values=enforced)
        self.decoder.max_header_list_size = 4 * limits.header_list_bytes
        self.receive_data(PREFACE)  # `FrameCutter` removes the client's preface
        self.increment_flow_control_window(CONNECTION_WINDOW - self.inbound_flow_control_window)

    #: Handles a parsed DATA frame: `receive_data` would parse it again, and format it for a debug
    #: log that nobody reads.
    receive_body: ClassVar[Any] = H2Connection._receive_data_frame  # noqa: SLF001 - all are here

    def put(self, frame: bytes) -> None:
        """Queue a frame that h2 does not know about, after its own output."""
        self._data_to_send += frame

    def put_goaway(self, last: int, code: ErrorCodes, text: str = "") -> None:
        """Queue GOAWAY. If h2 sent it, h2 would refuse to send anything else afterwards."""
        frame = GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=text.encode())
        self.put(frame.serialize())

    def _terminate_connection(self, error_code: ErrorCodes) -> None:
        """Do nothing: the connection itself reports why it ends."""
        del error_code
        self.state_machine.process_input(ConnectionInputs.SEND_GOAWAY)

    def _begin_new_stream(self, *args: Any, **options: Any) -> Any:
        stream = super()._begin_new_stream(*args, **options)
        # h2 would close the connection for a wrong content-length.
        vars(stream)["_initialize_content_length"] = _ignore
        return stream


def _ignore(_: object) -> None:
    """Do nothing."""
