"""MongoDB's aggregation pipelines over readings: compiled to closures, pure, read-only."""
