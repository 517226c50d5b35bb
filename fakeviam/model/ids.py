"""Ids in the shapes of the real service, all from one seed.

An id is a keyed hash of a counter: the same seed and the same order of calls give
the same ids, and a seed nobody knows makes ids (and tokens) nobody can guess.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import uuid
from typing import TYPE_CHECKING, NamedTuple

from fakeviam.model.clock import SECOND

if TYPE_CHECKING:
    from fakeviam.model.clock import Clock

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ALPHANUMERIC = bytes(ord(_LETTERS[byte % 62]) for byte in range(256))
_LOWER = bytes(ord("abcdefghijklmnopqrstuvwxyz0123456789"[byte % 36]) for byte in range(256))

_MANY_SECRETS = 2**40

_HEX = re.compile(r"[0-9a-f]+")
_SEAL_DIGITS = 8
_LONGEST_VEILED = 64  # as many digits as a digest has to veil them with


class BinaryKey(NamedTuple):
    """What a request says about one binary record; an empty part matches any (A15)."""

    organization_id: str
    location_id: str
    file_id: str

    @classmethod
    def parse(cls, binary_data_id: str) -> BinaryKey | None:
        """Split `organization/location/file`; None if it has not exactly three parts."""
        parts = binary_data_id.split("/")
        if len(parts) != 3 or not all(parts):
            return None
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.organization_id}/{self.location_id}/{self.file_id}"


class Counters(NamedTuple):
    """What the next ids of a factory are made of."""

    ids: int
    objects: int


class Ids:
    """The factory of every id and secret of one fake."""

    def __init__(self, *, seed: int | str, clock: Clock) -> None:
        """Start the sequence of `seed`; `clock` dates the ObjectIDs."""
        self._seed = seed
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()
        self._clock = clock
        # Steps of itertools.count are atomic: a test thread and the server's may both ask.
        self._count = itertools.count(1)
        self._objects = itertools.count(1)
        self._secrets = itertools.count(1)
        self._machine = self._digest()[:5].hex()

    def seed_of(self, name: str) -> str:
        """The seed of the factory that goes by this name."""
        return f"{self._seed}/{name}"

    def fork(self, name: str, *, clock: Clock) -> Ids:
        """The factory of a session: other ids, the same ones for the same seed and name."""
        return Ids(seed=self.seed_of(name), clock=clock)

    def _digest(self) -> bytes:
        return hashlib.blake2b(next(self._count).to_bytes(8, "big"), key=self._key).digest()

    @property
    def counters(self) -> Counters:
        """How far it has counted."""
        counts = (self._count, self._objects)
        # Only its repr tells where a count is without moving it.
        return Counters(*(int(repr(count)[len("count(") : -1]) for count in counts))

    def rewind(self, counters: Counters) -> None:
        """Go on from where ids were before; secrets go on from where they are (SN-2).

        A token that was handed out stays with its holder, so no other one may get it.
        """
        self._count = itertools.count(counters.ids)
        self._objects = itertools.count(counters.objects)

    def skip(self, counters: Counters) -> None:
        """Leave out all that another factory may have given away (AR-4).

        Nobody counted its secrets, for then a login would be a change of the data. No factory
        gives away so many.
        """
        own = self.counters
        self._count = itertools.count(max(own.ids, counters.ids))
        self._objects = itertools.count(max(own.objects, counters.objects))
        self._secrets = itertools.count(next(self._secrets) + _MANY_SECRETS)

    def uuid(self) -> str:
        """Organization, robot, part, pipeline and job ids: UUID version 4 text."""
        return str(uuid.UUID(bytes=self._digest()[:16], version=4))

    def uuid_of(self, name: str) -> str:
        """The UUID that always goes by this name; giving it counts nothing."""
        return str(uuid.UUID(bytes=self.digest(name)[:16], version=4))

    def location_id(self) -> str:
        """Ten lower-case letters and digits."""
        return self._digest()[:10].translate(_LOWER).decode()

    def file_id(self) -> str:
        """Sixty-four letters and digits."""
        return self._digest().translate(_ALPHANUMERIC).decode()

    def object_id(self, at: int | None = None) -> str:
        """Twenty-four hex digits: 4 bytes of time, 5 of this factory, 3 of a counter."""
        seconds = (self._clock.now() if at is None else at) // SECOND % 2**32
        return f"{seconds:08x}{self._machine}{next(self._objects) % 2**24:06x}"

    def token(self, holder: str = "") -> str:
        """A secret: opaque to clients, unguessable under an unknown seed.

        Secrets are counted apart from ids: logging in changes no id, and no file's id is a secret.
        How far they were counted ends with the process. One that outlives it is made for a
        `holder` whose id is never given twice.
        """
        number = next(self._secrets).to_bytes(8, "big")
        made_of = number + holder.encode()
        digest = hashlib.blake2b(made_of, key=self._key, person=b"secret").digest()
        return digest.translate(_ALPHANUMERIC).decode()

    def fraction(self, *labels: object) -> float:
        """A number from 0 to below 1: the same for the same seed and labels."""
        text = "/".join(map(str, labels))
        digest = hashlib.blake2b(text.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def digest(self, text: str) -> bytes:
        """What only this factory can make of a secret, to look it up by (AC-6)."""
        return hashlib.blake2b(
            text.encode(), key=self._key, digest_size=32, person=b"lookup"
        ).digest()

    def veil(self, digits: str, *, scope: str) -> str:
        """An opaque token of hex digits, which only this factory can make and only `scope` use.

        The digits stand under a veil made of the seal, so that they can be had back.
        """
        seal = self.seal(scope + digits)
        return self._veiled(digits, seal) + seal

    def unveil(self, token: str, *, scope: str) -> str | None:
        """The digits in a token of this factory and scope; None if it is not one."""
        veiled, seal = token[:-_SEAL_DIGITS], token[-_SEAL_DIGITS:]
        if not _HEX.fullmatch(veiled) or len(veiled) > _LONGEST_VEILED:
            return None
        digits = self._veiled(veiled, seal)
        is_sealed = hmac.compare_digest(self.seal(scope + digits).encode(), seal.encode())
        return digits if is_sealed else None

    def _veiled(self, digits: str, seal: str) -> str:
        veil = self.digest(seal)[: len(digits) // 2]
        return f"{int(digits, 16) ^ int.from_bytes(veil, 'big'):0{len(digits)}x}"

    def seal(self, text: str) -> str:
        """Eight hex digits that only this factory can put under `text` (A56)."""
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=4).hexdigest()
