"""Opening the subject of a run.

The one module, besides the wrong servers, that knows how to start a fake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fakeviam_contracts.assertions import ContractBrokenError, MayNotError
from fakeviam_contracts.cleanup import CannotRunError
from fakeviam_contracts.connection import Address
from fakeviam_contracts.interpretation import Interpretation
from fakeviam_contracts.readonly import ReadOnlySubject
from fakeviam_contracts.remote import RemoteSubject
from fakeviam_contracts.subject import OwnFake
from fakeviam_contracts.wirelog import ConnectionLostError, SenselessAnswerError, Tally

if TYPE_CHECKING:
    from fakeviam_contracts.run_config import RunConfig
    from fakeviam_contracts.subject import Subject


def open_subject(config: RunConfig, tally: Tally | None = None) -> Subject:
    """The server to run against; `tally` counts its calls, even if none is returned.

    Raises:
        CannotRunError: It cannot be reached or used.
        ContractBrokenError: Setting up shows already that it breaks a clause.
        MayNotError: Setting up needs what the API key may not do.
    """
    interpretation = expected(config)
    if not config.target:
        return OwnFake(
            interpretation,
            lambda: own_fake(config.policy),
            keyed=lambda: own_fake(config.policy, auth="keys"),
            tally=tally,
        )
    address = Address(
        target=config.target,
        api_key_id=config.api_key_id,
        api_key=config.api_key,
        ca_file=config.ca_file,
        max_rps=config.pace,
        trace=config.trace,
        tally=Tally() if tally is None else tally,
    )
    try:
        if config.read_only:
            return ReadOnlySubject(interpretation, address, organization=config.organization)
        return RemoteSubject(
            interpretation,
            address,
            parts=config.parts,
            organization=config.organization,
            exclusive=config.exclusive,
            throw_away=config.throw_away,
            restart=config.restart,
        )
    except (CannotRunError, ContractBrokenError, MayNotError):
        raise
    except ConnectionLostError as error:
        raise CannotRunError(
            f"{config.target} was lost during set-up: {error}; its log should say why"
        ) from error
    except Exception as error:
        why = error if isinstance(error, SenselessAnswerError) else repr(error)
        raise CannotRunError(
            f"the answers of {config.target} in set-up make no sense: {why}; nothing was checked"
        ) from error


def expected(config: RunConfig) -> Interpretation:
    """How the server is expected to decide open points.

    Raises:
        CannotRunError: There is no policy of that name, or its file is invalid.
    """
    try:
        return Interpretation.named(config.policy)
    except ValueError as error:
        raise CannotRunError(str(error)) from error


def own_fake(policy: str, **options: Any) -> object:
    """A fake of our own, not started yet."""
    from fakeviam import Clock, FakeViam  # noqa: PLC0415 - only where there is no target

    return FakeViam(seed=1, policy=policy, clock=Clock.frozen("2024-01-01T12:00:00Z"), **options)
