"""Checks the obligations of clients, in any language, with a scripted server.

    from fakeviam_contracts.clients.check import check_client

    verdicts = check_client(["python", "-m", "fakeviam_contracts.clients.adapters.viam_sdk"])

`protocol` specifies how a client is driven, `obligations` contains the checks, `scripted` the
server. This module imports nothing: adapters run without the dependencies of the kit.
"""
