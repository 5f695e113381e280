"""The work that waits: fulfil, send, ask a provider. These are the doors.

``outbox`` holds what is owed, ``queue`` the messages that wake, ``sweeping`` what runs each minute,
``engines`` the three databases that may carry the messages, ``worker`` the process.
"""

from .outbox import LATE, backlog, late_for, parked_tasks, retry_parked, work_off_outbox
from .queue import Queue, wake_check, wake_checks, wake_fulfilment
from .sweeping import check, sweep
from .worker import create_queue, run_worker

__all__ = [
    "LATE",
    "Queue",
    "backlog",
    "check",
    "create_queue",
    "late_for",
    "parked_tasks",
    "retry_parked",
    "run_worker",
    "sweep",
    "wake_check",
    "wake_checks",
    "wake_fulfilment",
    "work_off_outbox",
]
