"""The gRPC server: wire messages in, wire messages out.

Call path: listener → connection → authentication → handler → store. Wire and model meet
only here.
"""
