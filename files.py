"""Files that hold names and addresses, kept from the other users of this machine."""

import os
from contextlib import suppress
from pathlib import Path


def create_private(path: str | Path) -> None:
    """An empty file that only its owner can read, where there is none yet; else nothing happens.

    SQLite gives a database's -wal and -shm files the same permissions as the database.
    """
    with suppress(OSError):  # SQLite says better what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
