"""The worker: takes messages, and sweeps each minute, also while the queue does not answer.

A slow provider or mail server does not delay our own work: calls to each are made in a lane of its
own, by one thread at a time, and a worker has more threads than lanes.
"""

import logging
import os
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from huey import crontab
from huey.consumer import Consumer, Scheduler

from .engines import QUEUE_ERRORS, create_engine, one_line, shorten
from .outbox import SLOW, work_off_outbox
from .queue import Queue
from .sweeping import check, sweep

#: The worker runs at a lower priority than the web processes: providers give up on a webhook after
#: seconds; a parcel can wait.
WORKER_NICE = 10

log = logging.getLogger(__name__)


def create_queue(app: Flask, jobs_url: str) -> Queue:
    """The queue at ``JOBS_URL``; it need not be there yet."""
    engine = create_engine(jobs_url)

    def in_app(work: Callable[..., None]) -> Callable[..., None]:
        def run(*args: str) -> None:
            with app.app_context():
                work(*args)

        return run

    return Queue(
        engine,
        fulfil=engine.task(name="fulfil")(in_app(work_off_outbox)),
        check=engine.task(name="check")(in_app(check)),
        sweep=engine.periodic_task(crontab(minute="*"), name="sweep")(in_app(sweep)),
    )


def run_worker(app: Flask) -> None:
    """Work until SIGTERM or SIGINT. The first sweep finds what a dead worker left.

    While the queue does not answer, the worker sweeps; it takes messages again when they come.
    """
    os.nice(WORKER_NICE)
    queue: Queue = app.extensions["queue"]
    lanes = [*app.extensions["providers"], *SLOW]
    for part in ("Scheduler", "Worker"):
        logging.getLogger(f"huey.consumer.{part}").addFilter(shorten)
    worker = Worker(queue.engine, workers=len(lanes) + 2, max_delay=1.0, graceful_signal="TERM")
    queue.stopping = worker.stop_flag
    worker.run()


class SweepEvenWithoutQueue(Scheduler):  # type: ignore[misc]
    """huey's scheduler, which sweeps by itself when the queue refuses the message to sweep."""

    def enqueue_periodic_tasks(self, now: datetime | None) -> None:
        for task in self.huey.read_periodic(now):
            try:
                self.huey.enqueue(task)
            except QUEUE_ERRORS as error:
                log.warning(
                    "queue rejected %s, running it directly: %s", task.name, one_line(error)
                )
                try:
                    task.execute()
                except Exception:  # must not end this thread: the next minute tries again
                    log.exception("%s failed", task.name)


class Worker(Consumer):  # type: ignore[misc]
    scheduler_class = SweepEvenWithoutQueue
