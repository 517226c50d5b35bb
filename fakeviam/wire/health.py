"""Messages of `grpc.health.v1`.

The names come from the private pool; `health.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("health"))
