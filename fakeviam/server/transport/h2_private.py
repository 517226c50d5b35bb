"""Private parts of h2: all that fakeviam touches of them, under an upper bound in pyproject.toml.

`tests/unit/server/test_private_parts.py` says in words what a new release has moved.
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

#: Bytes that a client may send of one call before the call has taken them.
STREAM_WINDOW = 1024 * 1024

#: Bytes on the way of all calls together; they are given back as they come.
CONNECTION_WINDOW = 8 * 1024 * 1024

#: Calls, for h2, which ends a connection that opens one too many; ours are refused one by one.
_NO_LIMIT = 2**31 - 1


class Body(NamedTuple):
    """A frame of data as h2 knows it, without padding."""

    stream_id: int
    data: bytes
    flags: tuple[str, ...]
    flow_controlled_length: int


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
        announced = {
            SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
            SettingCodes.MAX_HEADER_LIST_SIZE: limits.header_list_bytes,
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
        }
        self.local_settings = Settings(client=False, initial_values=announced)
        self.initiate_connection()
        # What was told is what h2 asks for, too; but for the number of calls.
        enforced = {**announced, SettingCodes.MAX_CONCURRENT_STREAMS: _NO_LIMIT}
        self.local_settings = Settings(client=False, initial_values=enforced)
        self.decoder.max_header_list_size = 4 * limits.header_list_bytes
        self.receive_data(PREFACE)  # the frames come without it
        self.increment_flow_control_window(CONNECTION_WINDOW - self.inbound_flow_control_window)

    #: Takes a frame that was cut already: `receive_data` would parse it again, and make text of it
    #: for a log that nobody keeps.
    receive_body: ClassVar[Any] = H2Connection._receive_data_frame  # noqa: SLF001 - all are here

    def put(self, frame: bytes) -> None:
        """Send a frame that h2 does not know of, behind what it has to send."""
        self._data_to_send += frame

    def put_goaway(self, last: int, code: ErrorCodes, text: str = "") -> None:
        """Send GOAWAY; had h2 sent it, nothing else would get out of the connection any more."""
        frame = GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=text.encode())
        self.put(frame.serialize())

    def _terminate_connection(self, error_code: ErrorCodes) -> None:
        """Leave it to the connection to say why it ends."""
        del error_code
        self.state_machine.process_input(ConnectionInputs.SEND_GOAWAY)

    def _begin_new_stream(self, *args: Any, **options: Any) -> Any:
        stream = super()._begin_new_stream(*args, **options)
        # A wrong content-length would end the connection.
        vars(stream)["_initialize_content_length"] = _ignore
        return stream


def _ignore(_: object) -> None:
    """Do nothing."""
