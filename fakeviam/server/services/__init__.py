"""One module per gRPC service or topic of it: from request to reply."""
