"""The domain: values and rules of the Viam data cloud.

Pure: no I/O, no asyncio, no wall clock, no protobuf. Times are integer
nanoseconds since the Unix epoch (UTC), so that no precision of the wire is lost.
"""
