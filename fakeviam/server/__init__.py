"""The gRPC server: wire messages in, wire messages out.

Call path: listener → codec → authentication → handler → store. Wire and model meet
only here.
"""
