"""A process that kills itself, as ``kill -9`` would, at a named point of its work.

``python -m tests.crash.child WORK POINT [worker]``, with DATABASE_URL and JOBS_URL in the
environment. WORK is the kind of an outbox task, or ``webhook``: one delivery, as JSON on standard
input. With ``worker`` it waits at the queue for its work, as the real one does.
Who reaches the end of this file alive has not reached the point.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

import config
import fulfilment
import jobs
import payments
from app import create_app
from models import db


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_if_outermost(_: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        die()


def arm(point: str) -> None:
    """Called when the work begins, inside its transaction."""
    if point == "before the work":
        die()
    elif point == "before the commit":
        event.listen(db.engine, "commit", die)  # everything is sent, COMMIT is not
    elif point == "after the commit":
        event.listen(db.session(), "after_transaction_end", die_if_outermost)
    else:
        raise ValueError(point)


def dying(work: Callable[..., Any], point: str) -> Callable[..., Any]:
    def run(*args: Any) -> Any:
        arm(point)
        return work(*args)

    return run


def main(work: str, point: str, how: str = "") -> None:
    config.Settings.model_config["env_file"] = None
    app = create_app()
    with app.app_context():
        if work == "webhook":
            delivery = json.load(sys.stdin)
            payments._record = dying(payments._record, point)
            payments.receive("mintcash", delivery["headers"], delivery["body"].encode())
        else:
            fulfilment.EFFECTS[work] = dying(fulfilment.EFFECTS[work], point)
            jobs.run_worker(app) if how == "worker" else jobs.work_off_outbox()


if __name__ == "__main__":
    main(*sys.argv[1:])
