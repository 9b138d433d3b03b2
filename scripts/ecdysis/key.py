"""The study's secret key, and every pseudonym that is made from it.

All pseudonyms are HMAC-SHA256 values (RFC 2104) under one secret of 32 random bytes, each
kind in its own domain, so that parallel and later runs agree with no shared table and nobody
without the key can test a guess.
"""

import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ecdysis.errors import InputError

SIZE = 32
"""Length of the key in bytes, that of a SHA-256 digest (RFC 2104, section 3)."""

VARIABLE = "ECDYSIS_KEY"
"""Environment variable that gives the key as hexadecimal digits instead of the file."""

LONGEST_SHIFT = 3650
"""Dates move back by 1 to this many days: an interval is kept, a season is not."""


@dataclass(frozen=True)
class Key:
    """A secret of 32 random bytes; its text form shows only a fingerprint."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SIZE:
            raise InputError(
                "key",
                f"a key of {len(self.secret)} bytes was given, {SIZE} are needed",
                "Restore the study's key from its backup",
            )
        if not any(self.secret):
            raise InputError(
                "key", "all its bytes are zero", "Restore the study's key from its backup"
            )

    def __repr__(self) -> str:
        return f"Key(fingerprint={self.fingerprint!r})"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key of a study, making it on first use.

        The environment variable ``ECDYSIS_KEY`` (64 hexadecimal digits) is taken before the
        file. A new file appears under its name with all its bytes and mode 600, also when
        several processes make it at once: all of them read the one that came first. The file is
        outside every output; its folder is made with mode 700.

        Raises
        ------
        InputError
            The key has a wrong size or form, is no regular file, or others may read it.
        """
        if given := os.environ.get(VARIABLE):
            return cls(_from_hex(given))
        if not path.exists():
            _create(path)
        return cls(_read(path))

    def digest(self, domain: str, text: str) -> bytes:
        """Return the 32-byte HMAC of `text` in `domain` (a fixed word for each use)."""
        message = b"ecdysis\0" + domain.encode() + b"\0" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, message, "sha256")

    def token(self, domain: str, text: str, length: int = 8) -> str:
        """Return `length` hexadecimal digits that stand for `text` in `domain`."""
        return self.digest(domain, text).hex()[:length]

    def uid(self, uid: str) -> str:
        """Return the UID that replaces `uid`: ``2.25.`` and 128 bits (PS3.5, section B.2)."""
        return f"2.25.{int.from_bytes(self.digest('uid', uid.strip(chr(0) + ' '))[:16])}"

    def day_shift(self, patient: str) -> int:
        """Return the days, negative, by which every date of `patient` moves."""
        value = int.from_bytes(self.digest("day shift", patient.strip())[:8])
        return -1 - value % LONGEST_SHIFT

    @property
    def fingerprint(self) -> str:
        """Eight digits that tell two keys apart and reveal neither."""
        return self.token("fingerprint", "")


def _from_hex(text: str) -> bytes:
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != SIZE:
        raise InputError(
            VARIABLE,
            f"the environment variable must hold {2 * SIZE} hexadecimal digits",
            "Correct or unset it",
        )
    return secret


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SIZE))
            stream.flush()
            os.fsync(stream.fileno())
        # A hard link is refused when the name exists, so a key is never replaced.
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        partial.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise InputError(path, "the key is not a regular file", "Name a file as key_file")
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(
            path,
            f"the key has mode {stat.S_IMODE(state.st_mode):03o}, so others may read it",
            f"Run: chmod 600 {path}",
        )
    secret = path.read_bytes()
    if len(secret) != SIZE:
        raise InputError(
            path,
            f"the key holds {len(secret)} bytes, {SIZE} were expected",
            "Restore the study's key from its backup; a new key gives new pseudonyms",
        )
    return secret
