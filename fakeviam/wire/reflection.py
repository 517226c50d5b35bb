"""Messages of `grpc.reflection.v1`; those of v1alpha have the same shape.

The names come from the private pool; `reflection.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("reflection"))
