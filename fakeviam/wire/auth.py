"""Messages of `proto.rpc.v1`: login.

The names come from the private pool; `auth.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("auth"))
