"""Messages and enums of `viam.app.data.v1`: what was captured, and what people made of it.

The names come from the private pool; `data.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("data"))
