"""Messages and enums of `viam.app.v1`: organizations, locations, robots and parts.

The names come from the private pool; `app.pyi` beside this file lists and types those that the
fake uses itself.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("app"))
