"""The secret key in a file, for an installation whose environment names none, and the key before it."""

import os
import secrets
from pathlib import Path

from domain.kit import private_files
from domain.kit.secret_keys import KeyPair, SecretKey

KEY_FILE = Path("muster.key")
PREVIOUS_KEY_FILE = Path("muster.key.previous")


def read() -> KeyPair | None:
    """Return the keys of the files, None where there is none."""
    current = _read(KEY_FILE)
    return None if current is None else KeyPair(current, _read(PREVIOUS_KEY_FILE))


def read_or_create() -> KeyPair:
    """Return the keys of the files; where there is none, create one."""
    pair = read()
    if pair is None:
        new_file = _write_beside(KEY_FILE, secrets.token_urlsafe(48))
        # A link is created whole or not at all: processes that start at once all read the same key.
        try:
            KEY_FILE.hardlink_to(new_file)
        except FileExistsError:
            pass
        finally:
            new_file.unlink()
        pair = read()
        assert pair is not None
    return pair


def replace(current: SecretKey) -> None:
    """Put a new key in the place of this one, which becomes the previous one."""
    # In this order: whoever reads between the two has one key twice.
    _write_beside(PREVIOUS_KEY_FILE, current.secret.decode()).replace(PREVIOUS_KEY_FILE)
    _write_beside(KEY_FILE, secrets.token_urlsafe(48)).replace(KEY_FILE)


def _read(file: Path) -> SecretKey | None:
    private_files.tighten(file)
    try:
        return SecretKey(file.read_bytes().strip())
    except FileNotFoundError:
        return None


def _write_beside(file: Path, secret: str) -> Path:
    """Write a file that is to take the place of this one, readable by its owner only, and return it."""
    new_file = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(secret + "\n")
        opened.flush()
        os.fsync(descriptor)
    return new_file
