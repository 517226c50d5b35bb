"""Ids in the formats of the real service, all derived from one seed.

An id is a keyed hash of a counter: the same seed and the same order of calls give the same ids, and
without the seed nobody can predict ids or tokens.
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
_LONGEST_VEILED = 64  # a digest has this many digits, and each encrypts one


class BinaryKey(NamedTuple):
    """A reference to a binary record; an empty component matches any value (A15)."""

    organization_id: str
    location_id: str
    file_id: str

    @classmethod
    def parse(cls, binary_data_id: str) -> BinaryKey | None:
        """Split `organization/location/file`; None if there are not exactly three components."""
        parts = binary_data_id.split("/")
        if len(parts) != 3 or not all(parts):
            return None
        return cls(*parts)

    def __str__(self) -> str:
        return f"{self.organization_id}/{self.location_id}/{self.file_id}"


class Counters(NamedTuple):
    """The counters of a factory, from which its next ids are derived."""

    ids: int
    objects: int


class Ids:
    """Generates all ids and secrets of one fake."""

    def __init__(self, *, seed: int | str, clock: Clock) -> None:
        """Start the sequence of `seed`; `clock` dates the ObjectIDs."""
        self._seed = seed
        self._key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()
        self._clock = clock
        # next() on itertools.count is atomic: a test's thread and the server's may both call it.
        self._count = itertools.count(1)
        self._objects = itertools.count(1)
        self._secrets = itertools.count(1)
        self._machine = self._digest()[:5].hex()

    def seed_of(self, name: str) -> str:
        """The seed of the factory with this name."""
        return f"{self._seed}/{name}"

    def fork(self, name: str, *, clock: Clock) -> Ids:
        """The factory of a session, determined by the seed and the name."""
        return Ids(seed=self.seed_of(name), clock=clock)

    def _digest(self) -> bytes:
        return hashlib.blake2b(next(self._count).to_bytes(8, "big"), key=self._key).digest()

    @property
    def counters(self) -> Counters:
        """The current counters."""
        counts = (self._count, self._objects)
        # Only the repr of a count shows its value without advancing it.
        return Counters(*(int(repr(count)[len("count(") : -1]) for count in counts))

    def rewind(self, counters: Counters) -> None:
        """Reset the counters of ids; the counter of secrets is not reset (SN-2).

        A token stays valid, so that no other one may have the same value.
        """
        self._count = itertools.count(counters.ids)
        self._objects = itertools.count(counters.objects)

    def skip(self, counters: Counters) -> None:
        """Skip all ids that another factory may have generated (AR-4).

        Its secrets were not counted, because a login would then change the data. No factory
        generates so many.
        """
        own = self.counters
        self._count = itertools.count(max(own.ids, counters.ids))
        self._objects = itertools.count(max(own.objects, counters.objects))
        self._secrets = itertools.count(next(self._secrets) + _MANY_SECRETS)

    def uuid(self) -> str:
        """A random-looking UUID version 4, for organizations, robots, parts, pipelines and jobs."""
        return str(uuid.UUID(bytes=self._digest()[:16], version=4))

    def uuid_of(self, name: str) -> str:
        """The UUID derived from a name; no counter is advanced."""
        return str(uuid.UUID(bytes=self.digest(name)[:16], version=4))

    def location_id(self) -> str:
        """Ten lower-case letters and digits."""
        return self._digest()[:10].translate(_LOWER).decode()

    def file_id(self) -> str:
        """Sixty-four letters and digits."""
        return self._digest().translate(_ALPHANUMERIC).decode()

    def object_id(self, at: int | None = None) -> str:
        """Twenty-four hex digits: 4 bytes of time, 5 of the factory, 3 of a counter."""
        seconds = (self._clock.now() if at is None else at) // SECOND % 2**32
        return f"{seconds:08x}{self._machine}{next(self._objects) % 2**24:06x}"

    def token(self, holder: str = "") -> str:
        """A secret, opaque to clients and unpredictable without the seed.

        Secrets have their own counter, so that logging in does not change the next ids, and no id
        equals a secret. The counter is lost with the process, so a secret that outlives it
        includes a `holder` whose id is never reused.
        """
        number = next(self._secrets).to_bytes(8, "big")
        made_of = number + holder.encode()
        digest = hashlib.blake2b(made_of, key=self._key, person=b"secret").digest()
        return digest.translate(_ALPHANUMERIC).decode()

    def fraction(self, *labels: object) -> float:
        """A pseudorandom number in [0, 1), determined by the seed and the labels."""
        text = "/".join(map(str, labels))
        digest = hashlib.blake2b(text.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    def digest(self, text: str) -> bytes:
        """A keyed hash of a secret, to look it up by (AC-6)."""
        return hashlib.blake2b(
            text.encode(), key=self._key, digest_size=32, person=b"lookup"
        ).digest()

    def veil(self, digits: str, *, scope: str) -> str:
        """Encrypt and sign hex digits as a token that is only valid for `scope`.

        The signature also serves as the key of the encryption.
        """
        seal = self.seal(scope + digits)
        return self._veiled(digits, seal) + seal

    def unveil(self, token: str, *, scope: str) -> str | None:
        """The digits in a token; None if it was not issued by this factory for this scope."""
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
        """Eight hex digits that sign `text` (A56)."""
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=4).hexdigest()
