"""The threads that send webhooks and let timers ring."""

import logging
import threading
from typing import cast

from flask import Flask, current_app
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from . import clock, deliveries
from .models import Payment, db

THREADS = 4  # so that one slow shop does not hold up the next webhook
IDLE = 1.0  # real seconds after which each thread looks by itself for what has become due

log = logging.getLogger(__name__)


class Background:
    """Looks for work whenever :meth:`wake` is called, and every ``IDLE`` seconds."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._calls = threading.Semaphore(0)
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"sandbox-{number}", daemon=True)
            for number in range(THREADS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads; an attempt under way is waited for."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """There may be work: an idle thread looks now."""
        self._calls.release()

    def work(self) -> bool:
        """Do one thing that is due; False when there is none."""
        with self._app.app_context():
            if self._ring_next():
                return True
            delivery = deliveries.claim_next()
            if delivery is None:
                return False
            self.wake()  # this may take a while: another thread looks for the next one
            deliveries.send(delivery)
            return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._calls.acquire(timeout=IDLE)
            try:
                while self.work() and not self._stopped.is_set():
                    pass
            except SQLAlchemyError:
                log.exception("the sandbox's database does not answer; trying again")

    def _ring_next(self) -> bool:
        due = (
            select(Payment.id).where(Payment.timer <= clock.now()).order_by(Payment.timer).limit(1)
        )
        claim = update(Payment).where(Payment.id == due.scalar_subquery()).values(timer=None)
        claimed = db.session.scalar(claim.returning(Payment.id))
        if claimed:
            payment = db.session.get_one(Payment, claimed)
            self._app.extensions["providers"][payment.provider].ring(payment)
        db.session.commit()
        return claimed is not None


def commit() -> None:
    """Commit, and have the webhooks that were stored sent at once."""
    db.session.commit()
    cast(Background, current_app.extensions["background"]).wake()
