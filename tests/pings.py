"""Pings: webhooks of a provider that send an id and prove nothing (``tests/providers/pingpay``)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import time_machine
from flask import Flask
from werkzeug.test import TestResponse

import jobs
from database import now

from .books import Books
from .providers import pingpay
from .providers.pingpay.api import Api, api
from .purchases import COOKBOOK
from .shopper import BASE_URL


@dataclass(frozen=True)
class ShopAtPingpay:
    """A shop that offers Pingpay, Pingpay's API, and a clock that stands still."""

    app: Flask
    books: Books
    pingpay: Api
    clock: time_machine.Traveller

    def ping(self, reference: str) -> TestResponse:
        return self.app.test_client().post(
            "/webhooks/pingpay", base_url=BASE_URL, data={"id": reference}
        )

    def place(self) -> str:
        """An order whose shopper is on the page; the payment's id at Pingpay."""
        (payment,) = self.books.place_order(COOKBOOK, provider="pingpay")
        self.pingpay.add(payment)
        return str(payment["id"])

    def pay(self, reference: str) -> None:
        self.pingpay.payments[reference]["status"] = "succeeded"

    @property
    def messages(self) -> list[str]:
        """The payments that the worker is woken for."""
        pending = self.app.extensions["queue"].engine.pending()
        return [task.args[0] for task in pending if task.name == "check"]

    def work(self) -> None:
        """The worker takes every message that is due."""
        engine = self.app.extensions["queue"].engine
        for task in engine.pending():
            if task.name == "check" and engine.ready_to_run(task):
                with self.app.app_context():
                    jobs.check(*task.args)

    def wait(self, pause: timedelta) -> None:
        self.clock.shift(pause)

    def calls(self, reference: str) -> int:
        return self.pingpay.calls.count(f"GET /payments/{reference}")


@contextmanager
def shop_at_pingpay(app: Flask, books: Books) -> Iterator[ShopAtPingpay]:
    app.extensions["providers"]["pingpay"] = pingpay.configured()
    with api() as answering, time_machine.travel(now(), tick=False) as clock:
        yield ShopAtPingpay(app, books, answering, clock)
