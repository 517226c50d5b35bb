"""Messages and enums of `viam.app.datapipelines.v1`: data pipelines and their runs.

The names come from the private pool; `datapipelines.pyi` beside this file lists and types them.
"""

from fakeviam.wire._pool import WIRE

globals().update(WIRE.exports("datapipelines"))
