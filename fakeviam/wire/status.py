"""Messages of `google.rpc`: the details of a status.

The names come from the private pool; `status.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("status"))
