"""The checks as a pytest suite, for those who want the kit among their own tests.

Run it as `pytest --pyargs fakeviam_contracts.pytest_suite --contract-target HOST:PORT
--contract-part ID`.
"""
