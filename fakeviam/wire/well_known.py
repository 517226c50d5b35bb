"""Google's well-known types, as members of the private pool.

They have the usual helpers (`FromDatetime`, `update`, `Pack` …) but are not the classes of
`google.protobuf.timestamp_pb2` and its like: `fakeviam.wire.adopt` turns one into the other.

The names come from the private pool; `well_known.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("well_known"))
