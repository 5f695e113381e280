"""The shop with the sandbox behind it, in one process: calls and webhooks go straight across.

Nothing listens on a port, nothing runs by itself: a test visits pages, has webhooks delivered and
the worker work, one after the other.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import responses
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

import jobs
from database import db, now, transaction
from models import OutboxTask, Refund
from sandbox import config as sandbox_config
from sandbox.app import create_app as create_sandbox
from sandbox.models import db as sandbox_db
from tools.shopper import filled

from .books import Books
from .providers import case_of
from .shopper import BASE_URL, Shopper

SANDBOX_URL = "http://127.0.0.1:5001"
#: What is typed on the provider's page.
MINTCASH, HITPAY, WIPAY, HANDCASH = (
    case_of(name).page.pays for name in ("mintcash", "hitpay", "wipay", "handcash")
)
WIPAY_DECLINED = case_of("wipay").page.declines or {}

Answer = tuple[int, dict[str, str], bytes | str]


@dataclass
class ShopAndSandbox:
    """A shop, a sandbox, and a shopper who goes to and fro between them."""

    app: Flask
    sandbox: Flask
    shopper: Shopper = field(init=False)
    books: Books = field(init=False)
    #: What the shop has asked providers, such as "POST /hitpay/v1/refund".
    calls: list[str] = field(default_factory=list)
    #: Asked first, with the call: what it returns is the answer, in place of the sandbox's.
    instead: Callable[[str], Answer | None] = lambda call: None
    #: Told of each call that the sandbox has answered, before the shop has its answer.
    answered: Callable[[str], None] = lambda call: None
    #: How often the shop was called without answering, while it is away; None: it answers.
    unanswered: int | None = None
    url: str = ""  # where the shopper is

    def __post_init__(self) -> None:
        self.shopper, self.books = Shopper(self.app), Books(self.app)
        self.pages = self.sandbox.test_client()

    # ---------------------------------------------------------------- the shopper

    def check_out(self, provider: str, slug: str = "cookbook", **changes: str) -> TestResponse:
        """From the shelf to wherever this choice is paid; ``url`` is that address."""
        self.shopper.add(slug)
        return self.follow(BASE_URL, self.shopper.check_out(provider=provider, **changes))

    def choose(self, provider: str) -> TestResponse:
        """Pay the order another way, by the form of its page."""
        path = f"/orders/{self.books.order.id}/payments"
        return self.follow(BASE_URL, self.shopper.post(path, {"provider": provider}))

    def visit(self, url: str) -> TestResponse:
        return self.follow(url, self._client(url).get(url, base_url=_home(url)))

    def press(self, url: str, **fields: str) -> TestResponse:
        """Post a form without a token: a provider's page has none."""
        return self.follow(url, self._client(url).post(url, base_url=_home(url), data=fields))

    def follow(self, url: str, answer: TestResponse) -> TestResponse:
        while answer.status_code in (302, 303) and answer.location:
            url = urljoin(url, answer.location)
            if _home(url) not in (BASE_URL, SANDBOX_URL):
                break
            answer = self._client(url).get(url, base_url=_home(url))
        self.url = url
        return answer

    @property
    def order_page(self) -> str:
        return self.shopper.get(f"/orders/{self.books.order.id}").text

    @property
    def state(self) -> str:
        """What the order's page says."""
        found = re.search(r'data-state="(\w+)"', self.order_page)
        assert found
        return found.group(1)

    @property
    def code(self) -> str:
        """What a phone reads from the QR code of the payment page in use."""
        (way,) = [each.next_action for each in self.books.payments[-1:]]
        return str((way or {})["payload"])

    # ---------------------------------------------------------------- time and work

    def deliver(self) -> None:
        """Everything that the sandbox has to say is said, and everything due in it happens."""
        while self.sandbox.extensions["background"].work():
            pass

    def deliver_again(self) -> None:
        """Everything that the sandbox has said is said once more."""
        page = self.pages.get("/", base_url=SANDBOX_URL).text
        for path in re.findall(r'action="(/deliveries/\d+/send)"', page):
            self.press(SANDBOX_URL + path)
        self.deliver()

    def wait(self, **sandbox_time: float) -> None:
        """Let time pass in the sandbox; the shop has a clock of its own."""
        seconds = timedelta(**sandbox_time).total_seconds()
        self.control("clock", advance=seconds)

    def control(self, what: str, **values: Any) -> None:
        """Set the sandbox's "clock" or "faults"."""
        answer = self.pages.post(f"/control/{what}", base_url=SANDBOX_URL, json=values)
        assert answer.status_code == 200, answer.text

    def work(self) -> None:
        """Webhooks, then the worker, with every pause over."""
        self.deliver()
        self.make_due()
        self.books.make_checks_due()
        self.books.sweep()
        self.deliver()

    def make_due(self) -> None:
        """As if every lease and pause of the outbox had passed."""
        with self.books.open(), transaction() as session:
            session.execute(update(OutboxTask).values(due_at=now() - timedelta(seconds=1)))

    def check_payments(self) -> None:
        """The worker asks about every payment."""
        self.books.make_checks_due()
        with self.books.open():
            jobs.sweep()

    # ---------------------------------------------------------------- the shop's people

    @property
    def console(self) -> str:
        return self.shopper.get(f"/console/orders/{self.books.order.id}").text

    def refund_form(self) -> dict[str, str]:
        """What stands in the console's refund form besides what a person types."""
        form = filled(self.console, f"/console/orders/{self.books.order.id}/refunds")
        return {name: value for name, value in form.items() if name not in ("amount", "reason")}

    def refund(self, amount: str, **changes: str) -> TestResponse:
        """Fill in the console's form and press."""
        form = {**self.refund_form(), "amount": amount, "reason": "broken", **changes}
        path = f"/console/orders/{self.books.order.id}/refunds"
        return self.shopper.client.post(path, base_url=BASE_URL, data=form)

    @property
    def refunds(self) -> list[tuple[int, str]]:
        """(amount, status) of each refund, in the order in which they were asked for."""
        query = select(Refund.amount, Refund.status).order_by(Refund.created_at)
        with self.books.open():
            return [(amount, status) for amount, status in db.session.execute(query)]

    def asked(self, call: str) -> int:
        return sum(each.startswith(call) for each in self.calls)

    # ---------------------------------------------------------------- across

    def _client(self, url: str) -> Any:
        return self.shopper.client if _home(url) == BASE_URL else self.pages

    def _to_sandbox(self, request: requests.PreparedRequest) -> Answer:
        call = f"{request.method} {urlsplit(str(request.url)).path}"
        self.calls.append(call)
        answer = self.instead(call)
        if answer is not None:
            return answer
        answer = _pass_on(self.sandbox, request)
        self.answered(call)
        return answer

    def _to_shop(self, request: requests.PreparedRequest) -> Answer:
        if self.unanswered is not None:
            self.unanswered += 1
            raise requests.ConnectionError("the shop is away")
        return _pass_on(self.app, request)


def _pass_on(app: Flask, request: requests.PreparedRequest) -> Answer:
    url = urlsplit(str(request.url))
    answer = app.test_client().open(
        url.path,
        method=str(request.method),
        base_url=_home(str(request.url)),
        query_string=url.query,
        headers=list(request.headers.items()),
        data=request.body,
    )
    headers = {name: value for name, value in answer.headers if name != "Content-Length"}
    return answer.status_code, headers, answer.data


def _home(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def shop_and_sandbox(app: Flask, folder: Any, **sandbox_settings: Any) -> Iterator[ShopAndSandbox]:
    """The shop ``app``, with a sandbox whose clock only moves by ``wait``."""
    sandbox = create_sandbox(
        sandbox_config.load(
            **{
                "base_url": BASE_URL,
                "sandbox_url": SANDBOX_URL,
                "sandbox_database_url": f"sqlite:///{folder}/sandbox.db",
                "sandbox_clock_speed": 0,
                "sandbox_deliver": False,
                "sandbox_hang_seconds": 0,
            }
            | sandbox_settings
        )
    )
    both = ShopAndSandbox(app, sandbox)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.GET, responses.POST, responses.PUT, responses.DELETE):
            mock.add_callback(method, re.compile(f"{SANDBOX_URL}/.*"), both._to_sandbox)
        mock.add_callback(responses.POST, re.compile(f"{BASE_URL}/.*"), both._to_shop)
        yield both
    with sandbox.app_context():
        sandbox_db.engine.dispose()
