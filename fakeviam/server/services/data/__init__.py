"""DataService, one module per topic. Each has a table HANDLERS: RPC name → handler."""
