"""Messages and enums of `viam.app.datasync.v1`: uploads.

The names come from the private pool; `datasync.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("datasync"))
