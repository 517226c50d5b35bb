"""What a client owes: watched by a scripted server, whatever language the client is written in.

    from fakeviam_contracts.clients.check import check_client

    verdicts = check_client(["python", "-m", "fakeviam_contracts.clients.adapters.viam_sdk"])

`protocol` says how a client is driven, `obligations` what is asked of it, `scripted` holds the
server that watches. This module imports nothing: adapters run where the kit's needs are missing.
"""
