"""The endpoints of the control API, one module per topic."""
