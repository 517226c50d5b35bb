"""The HTTP side of the port: health, and the control API under /control/v1.

Imported with the first byte of HTTP, never before: Starlette and uvicorn are slow to import.
"""
