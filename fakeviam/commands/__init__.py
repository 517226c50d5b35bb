"""The commands that drive a running fake, one module each.

They talk to its control API with the standard library alone, and none of them is imported
before it is used.
"""
