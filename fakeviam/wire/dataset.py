"""Messages and enums of `viam.app.dataset.v1`: datasets and their export.

The names come from the private pool; `dataset.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("dataset"))
