"""The checks as a pytest suite, for those who want the kit among their own tests.

Run it as `pytest --pyargs fakeviam_contracts --contract-target HOST:PORT --contract-part ID`.
"""
