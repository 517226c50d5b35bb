"""What is fuzzed: something that takes inputs, and breaks a law or does not."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from campaigns.dice import Dice


class Player(ABC):
    """Takes the inputs of one round, in order; what they change goes on to the next."""

    @abstractmethod
    async def take(self, dice: Dice) -> str:
        """Take one input; answer in a word or two what became of it.

        Raises:
            BrokenLawError: A law does not hold for it.
        """

    def last_input(self) -> str:
        """The input that was taken last, for people."""
        return ""

    async def look_back(self) -> None:  # noqa: B027 - not all have something
        """What can be checked once for all inputs of a round.

        Raises:
            BrokenLawError: A law does not hold.
        """


class Target(ABC):
    """A door of the fake.

    Attributes:
        name: What `--only` calls it.
        takes: What its inputs are.
        share: Its part of all inputs, relative to the others.
        size: Inputs of one round, which begins with a fresh server.
    """

    name: ClassVar[str]
    takes: ClassVar[str]
    share: ClassVar[int]
    size: ClassVar[int] = 250

    @abstractmethod
    def opened(self, dice: Dice) -> AbstractAsyncContextManager[Player]:
        """Begin a round; `dice` decides what is the same for all its inputs."""
