"""Time in the sandbox: seconds that can be sped up, stopped and skipped.

Whatever waits (retries, delays, expiry) waits for :func:`now`. Time stamps on the wire are real, so
that a receiver does not take a fresh message for a stale one.
"""

import time
from datetime import UTC, datetime

from .models import control


def now() -> float:
    """Sandbox seconds since the database was made."""
    row = control()
    return row.clock_base + (time.time() - row.clock_since) * row.clock_speed


def set_speed(speed: float) -> None:
    """Let ``speed`` sandbox seconds pass in a real one from here on; 0 stops the clock."""
    row = control()
    row.clock_base = now()
    row.clock_since = time.time()
    row.clock_speed = speed


def advance(seconds: float) -> None:
    """Skip ``seconds`` of sandbox time."""
    control().clock_base += seconds


def timestamp(timespec: str = "milliseconds", at: datetime | None = None) -> str:
    """The real time, or ``at``, as in ``2026-05-22T14:32:08.412Z``."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
