"""The RPC handlers: one module per gRPC service, or per topic of a service."""
