"""The steps of examples/demo.py."""
