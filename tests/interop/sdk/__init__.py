"""The official SDK against the fake, in one process.

Runs on whatever release of viam-sdk is installed: `pytest tests/interop/sdk`. Left out when
not asked for by name, because tests/interop/test_sdk_versions.py runs it on each release.
"""
