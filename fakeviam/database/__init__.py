"""The federated database: MongoDB's wire protocol on the same port, read-only."""
