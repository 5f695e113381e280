"""Every page of the shop in every state that a shopper or its people may meet: one list.

``test_accessibility.py`` examines them, ``scripts/make_screens.py`` takes their pictures.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask, abort
from playwright.sync_api import Page, Response, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

import config
import payments
from app import create_app
from catalogue import fill_shelf
from database import db, now, transaction
from models import Download, Mail, Order, OutboxTask, Payment, Product, Subscription
from tests.books import Books
from tests.mintcash import event
from tests.shopper import Shopper
from tests.subscribing import begin, charged
from tools.run import free_port

MINUTES = timedelta(minutes=1)


@dataclass(frozen=True)
class ScriptedShop:
    """A shop that listens, without sandbox or worker: what happens is written into its books."""

    app: Flask
    url: str

    @property
    def books(self) -> Books:
        return Books(self.app)

    def enter(self, page: Page, state: "State") -> Response:
        """Lead the page into the state; what it answered, before anything was done there."""
        page.context.clear_cookies()
        if state.cart:
            page.context.add_cookies(
                [{"name": "shop", "value": self._cart(state), "url": self.url}]
            )
        path = state.path(self) if callable(state.path) else state.path
        answer = page.goto(self.url + path)
        assert answer
        assert answer.status == state.status
        if state.act:
            state.act(page)
        return answer

    def place_order(self, *goods: str, provider: str = "mintcash") -> tuple[dict[str, Any], str]:
        """Ann's order of these: the payment as the provider knows it, and the order's address."""
        (known,) = self.books.place_order(dict.fromkeys(goods, 1), provider=provider)
        with self.books.open(), transaction() as session:
            order = session.get_one(Payment, known["externalId"]).order
            order.email = "ann@example.com"
            return known, f"/orders/{order.id}"

    def deliver(self, known: dict[str, Any], status: str, **changes: Any) -> None:
        """MintCash says so, correctly signed."""
        answer = Shopper(self.app).deliver(*event(known, status, **changes))
        assert answer.status_code == 200, answer.text

    def _cart(self, state: "State") -> str:
        signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        signed: str = signer.dumps({"cart": state.cart, "cart_key": state.name})
        return signed


@contextmanager
def scripted_shop(folder: Path) -> Iterator[ScriptedShop]:
    """The shop on a free port, with its databases in that folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    app = create_app(
        config.load(
            base_url=url,
            database_url=f"sqlite:///{folder}/shop.db",
            jobs_url=f"sqlite:///{folder}/jobs.db",
        )
    )
    app.add_url_rule("/broken/<int:code>", "broken", lambda code: abort(code))
    with app.app_context():
        db.create_all()
        fill_shelf()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """In one piece, and its file closed: the server forgets that when the browser hangs up."""
        body, status, headers = run_wsgi_app(app, environ, buffered=True)
        start_response(status, headers.to_wsgi_list())
        return body

    server = make_server("127.0.0.1", port, answer, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield ScriptedShop(app, url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        with app.app_context():
            db.engine.dispose()
        app.extensions["queue"].engine.storage.close()


@dataclass(frozen=True)
class State:
    """One page in one state. ``path`` may write into the books; ``act`` is done in the browser."""

    name: str
    path: str | Callable[[ScriptedShop], str]
    cart: dict[str, int] = field(default_factory=dict)
    act: Callable[[Page], None] | None = None
    status: int = 200


def sold_out(scripted: ScriptedShop) -> str:
    with scripted.books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "oak-board").values(stock=0))
    return "/products/oak-board"


def add_to_cart(page: Page) -> None:
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#added")).not_to_be_empty()


def remove_the_last(page: Page) -> None:
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#cart")).to_contain_text("There is nothing in it yet.")


def pay_with_nothing_filled_in(page: Page) -> None:
    page.get_by_role("button", name="Pay US$").click()
    expect(page.locator("#errors")).to_be_visible()


def order(
    provider: str = "mintcash", order_status: str = "open", **payment: Any
) -> Callable[[ScriptedShop], str]:
    """An order in this status whose payment looks like this; a timedelta counts from now."""

    def place(scripted: ScriptedShop) -> str:
        known, path = scripted.place_order("candle", "cookbook", provider=provider)
        looks = {
            name: now() + value if isinstance(value, timedelta) else value
            for name, value in payment.items()
        }
        with scripted.books.open(), transaction() as session:
            found = session.get_one(Payment, known["externalId"])
            found.order.status = order_status
            for name, value in looks.items():
                setattr(found, name, value)
        return path

    return place


def news(
    status: str, *goods: str, fulfilled: bool = True, **changes: Any
) -> Callable[[ScriptedShop], str]:
    """An order about which MintCash has truly said this."""

    def place(scripted: ScriptedShop) -> str:
        known, path = scripted.place_order(*goods)
        scripted.deliver(known, status, **changes)
        if fulfilled:
            scripted.books.work()
        return path

    return place


def sale(
    provider: str = "mintcash", order_status: str = "open", **payment: Any
) -> Callable[[ScriptedShop], str]:
    """A sale at the till whose payment looks like this; a timedelta counts from now."""

    def place(scripted: ScriptedShop) -> str:
        path = order(provider, order_status, **payment)(scripted)
        with scripted.books.open(), transaction() as session:
            found = session.get_one(Order, path.rpartition("/")[2])
            found.at_till, found.name, found.email, found.customer_id = True, "", "", None
            found.held_reason = "mintcash took US$39.99 of US$40.00"
            bowl, other = found.lines
            bowl.product_id, bowl.name, bowl.fulfilment = None, "Two bowls, one chipped", "till"
            bowl.unit_price = found.total
            session.delete(other)
            if order_status == "paid":
                found.paid_by, found.paid_at = found.payments[0].id, now()
        return f"/console/till/sales/{path.rpartition('/')[2]}"

    return place


def a_day_at_the_till(scripted: ScriptedShop) -> str:
    for place in (
        sale(),
        sale(order_status="paid", status="succeeded", received=4000),
        sale(order_status="paid", status="partially_refunded", received=4000, refunded=500),
        sale(order_status="held", received=3999),
        sale(status="failed", failure_code="card_declined"),
    ):
        place(scripted)
    return "/console/till/sales"


def sell_for_no_amount(page: Page) -> None:
    page.get_by_label("Amount").fill("12 50")
    page.get_by_role("button", name="MintCash").click()
    expect(page.locator("#amount-error")).to_be_visible()


def replaced(*paid: str) -> Callable[[ScriptedShop], str]:
    """The first of two orders: the cart was changed after "Pay". Which of them were paid."""

    def place(scripted: ScriptedShop) -> str:
        first, path = scripted.place_order("candle")
        second, other = scripted.place_order("candle", "cookbook")
        with scripted.books.open():
            payments.replace_order(path.rpartition("/")[2], other.rpartition("/")[2])
        for each in paid:
            scripted.deliver({"first": first, "second": second}[each], "succeeded")
        return path

    return place


def in_console(place: Callable[[ScriptedShop], str]) -> Callable[[ScriptedShop], str]:
    return lambda scripted: "/console" + place(scripted)


def listed(path: str) -> Callable[[ScriptedShop], str]:
    """A list of the console, with something on it."""

    def place(scripted: ScriptedShop) -> str:
        news("succeeded", "candle", "gift-card")(scripted)
        news("succeeded", "speckled-mug", amount=0.01)(scripted)
        order(returned_at=timedelta())(scripted)
        Shopper(scripted.app).deliver(b"{}", {"x-signature": "forged"})
        return path

    return place


def letter(scripted: ScriptedShop) -> str:
    news("succeeded", "candle", "cookbook")(scripted)
    with scripted.books.open():
        return f"/console/mail/{db.session.scalars(select(Mail.id)).first()}"


def late(place: Callable[[ScriptedShop], str]) -> Callable[[ScriptedShop], str]:
    """What is owed has waited for five minutes: no worker runs."""

    def wait(scripted: ScriptedShop) -> str:
        path = place(scripted)
        with scripted.books.open(), transaction() as session:
            undone = update(OutboxTask).where(OutboxTask.done_at.is_(None))
            session.execute(undone.values(due_at=now() - 5 * MINUTES))
        return path

    return wait


def console_late(scripted: ScriptedShop) -> str:
    late(news("succeeded", "candle", fulfilled=False))(scripted)
    return "/console"


def download(**changes: Any) -> Callable[[ScriptedShop], str]:
    """A paid e-book whose link is used up, or has ended."""

    def place(scripted: ScriptedShop) -> str:
        path = news("succeeded", "cookbook")(scripted)
        with scripted.books.open(), transaction() as session:
            mine = Download.order_id == path.rpartition("/")[2]
            session.execute(update(Download).where(mine).values(**changes))
        return path

    return place


def disputed(scripted: ScriptedShop) -> str:
    """A paid e-book about which the shopper's bank has asked."""
    path = news("succeeded", "cookbook")(scripted)
    with scripted.books.open(), transaction() as session:
        mine = Payment.order_id == path.rpartition("/")[2]
        session.execute(update(Payment).where(mine).values(dispute="opened"))
    return path


def book(chapter: str = "") -> Callable[[ScriptedShop], str]:
    """A bought book, or a chapter of it."""
    return lambda scripted: f"{news('succeeded', 'cookbook')(scripted)}/read/cookbook{chapter}"


def receipt(scripted: ScriptedShop) -> str:
    path = news("succeeded", "mug-pair", "cookbook", "gift-card")(scripted)
    with scripted.books.open(), transaction() as session:
        mine = Order.id == path.rpartition("/")[2]
        session.execute(update(Order).where(mine).values(region="East Flanders"))
    return path + "/receipt"


def refused_quantity(page: Page) -> None:
    """A quantity is changed after the session's cookie is gone."""
    page.context.clear_cookies()
    page.get_by_label("Quantity of Kiln candle").fill("3")
    page.keyboard.press("Tab")
    expect(page.locator("#trouble")).not_to_be_empty()


def offline(page: Page) -> None:
    """The poll finds no shop; the next state has its network back."""
    page.context.set_offline(True)
    expect(page.locator("#trouble")).not_to_be_empty()
    page.context.set_offline(False)


def open_the_first_message(page: Page) -> None:
    page.locator("summary").first.click()


def pay_after_a_change_elsewhere(page: Page) -> None:
    """A second tab, of the same session, has chosen another currency."""
    page.get_by_label("Name").fill("Ann Example")
    tab = page.context.new_page()
    tab.goto(page.url)
    with tab.expect_event("load"):
        tab.get_by_label("Currency").select_option("EUR")
    tab.close()
    page.get_by_role("button", name="Pay US$").click()
    expect(page.locator("#problem")).to_contain_text("the total is now €")


def monthly(status: str = "active") -> Callable[[ScriptedShop], str]:
    """The first order of a subscription that stands like this."""

    def place(scripted: ScriptedShop) -> str:
        known, start = begin(scripted.books), now()
        month = timedelta(days=30)
        Shopper(scripted.app).deliver(*charged(known["id"], start, start + month))
        scripted.books.work()
        with scripted.books.open(), transaction() as session:
            order_id = session.get_one(Payment, known["externalId"]).order_id
            session.get_one(Subscription, order_id).status = status
        return f"/orders/{order_id}"

    return place


def missed_month(scripted: ScriptedShop) -> str:
    """The order of a month whose charge failed."""
    first = monthly("past_due")(scripted).rpartition("/")[2]
    path = order(status="failed")(scripted)
    with scripted.books.open(), transaction() as session:
        missed = session.get_one(Order, path.rpartition("/")[2])
        missed.subscription_id, missed.period_start = first, now() + timedelta(days=30)
    return path


def console_subscriptions(scripted: ScriptedShop) -> str:
    for status in ("active", "past_due", "cancelled"):
        monthly(status)(scripted)
    return "/console/subscriptions"


QR = {"kind": "qr", "payload": "00020101021226370009SG.PAYNOW0102"}
FORM = {"kind": "form", "fields": [["token", "1"]]}
GOODS = {"candle": 2, "cookbook": 1, "mug-pair": 1}

STATES = [
    State("shelf", "/"),
    State("product", "/products/mug-pair"),
    State("product-few-left", "/products/bud-vase"),
    State("product-monthly", "/products/monthly-coffee"),
    State("product-added", "/products/cookbook", act=add_to_cart),
    State("product-too-many", "/products/bud-vase", cart={"bud-vase": 3}, act=add_to_cart),
    State("product-sold-out", sold_out),
    State("product-book", "/products/cookbook"),
    State("taste", "/products/cookbook/taste"),
    State("about", "/about"),
    State("cart", "/cart", cart=GOODS),
    State("cart-empty", "/cart"),
    State("cart-emptied", "/cart", cart={"candle": 1}, act=remove_the_last),
    State("cart-refused", "/cart", cart=GOODS, act=refused_quantity),
    State("cart-with-error", "/cart", cart={"candle": 1, "bud-vase": 5}),
    State("cart-monthly-and-more", "/cart", cart={"monthly-coffee": 1, "candle": 1}),
    State("checkout", "/checkout", cart=GOODS),
    State("checkout-monthly", "/checkout", cart={"monthly-coffee": 1}),
    State("checkout-no-parcel", "/checkout", cart={"gift-card": 1}),
    State("checkout-with-errors", "/checkout", cart=GOODS, act=pay_with_nothing_filled_in),
    State("checkout-changed", "/checkout", cart=GOODS, act=pay_after_a_change_elsewhere),
    State("cards", "/cards"),
    State("pay-here", lambda scripted: order(next_action=FORM)(scripted) + "/pay"),
    State("order-waiting", order(returned_at=timedelta())),
    State("order-waiting-long", order(returned_at=-5 * MINUTES)),
    State(
        "order-waiting-unpaid",
        order(returned_at=-5 * MINUTES, checks=3),
        act=lambda page: page.locator("#another-way summary").click(),
    ),
    State("order-waiting-offline", order(returned_at=timedelta()), act=offline),
    State("order-not-left-yet", order()),
    State("order-left", order(returned_at=timedelta(), hint="canceled")),
    State("order-closed", order(page_expires_at=-MINUTES)),
    State("order-closed-after-return", order(page_expires_at=-MINUTES, returned_at=-MINUTES)),
    State("order-scan", order("hitpay", next_action=QR)),
    State(
        "order-code-expired", order("hitpay", next_action=QR, page_expires_at=-MINUTES, attempt=4)
    ),
    State("order-partial", order("request_network", status="partially_paid", received=800)),
    State(
        "order-partial-over",
        order("request_network", status="partially_paid", received=800, page_expires_at=-MINUTES),
    ),
    State("order-short", order("request_network", "held", status="partially_paid", received=800)),
    State("order-held", news("succeeded", "candle", amount=0.01)),
    State("order-unpaid", order(failure_code="rejected")),
    State("order-failed", news("failed", "candle", failureCode="INSUFFICIENT_FUNDS")),
    State("order-canceled", order(status="canceled")),
    State("order-expired", order(status="expired")),
    State("order-refunded", order(order_status="paid", status="refunded")),
    State("order-replaced", replaced("second")),
    State("order-twice", replaced("second", "first")),
    State("order-paid", news("succeeded", "candle", fulfilled=False)),
    State("order-paid-late", late(news("succeeded", "candle", fulfilled=False))),
    State("order-paid-parcel", news("succeeded", "mug-pair", "candle")),
    State("order-paid-download", news("succeeded", "cookbook")),
    State("order-paid-download-used-up", download(downloads_left=0)),
    State("order-paid-download-ended", download(expires_at=now() - MINUTES)),
    State("order-paid-credit", news("succeeded", "gift-card")),
    State("order-paid-everything", news("succeeded", "mug-pair", "cookbook", "gift-card")),
    State("order-stopped", disputed),
    State("book", book()),
    State("book-first-chapter", book("/oats-on-low-heat")),
    State("book-chapter", book("/rice-porridge-ginger")),
    State("book-closed", lambda scripted: disputed(scripted) + "/read/cookbook"),
    State("order-monthly", monthly(), act=open_the_first_message),
    State("order-monthly-cancelled", monthly("cancelled")),
    State("order-monthly-missed", missed_month),
    State("receipt", receipt),
    State("find", "/orders/find"),
    State("console", listed("/console")),
    State("console-late", console_late),
    State("console-order", in_console(news("succeeded", "mug-pair", "cookbook"))),
    State("console-order-held", in_console(news("succeeded", "candle", amount=0.01))),
    State("console-subscriptions", console_subscriptions),
    State("console-mail", listed("/console/mail")),
    State("console-letter", letter),
    State("console-webhooks", listed("/console/webhooks"), act=open_the_first_message),
    State("till", "/console/till?currency=SGD"),
    State("till-with-errors", "/console/till", act=sell_for_no_amount),
    State("till-code", sale()),
    State("till-qr", sale("hitpay", next_action=QR)),
    State("till-confirming", sale(returned_at=timedelta())),
    State("till-paid", sale(order_status="paid", status="succeeded", received=4000)),
    State("till-held", sale(order_status="held", received=3999)),
    State("till-failed", sale(status="failed", failure_code="card_declined")),
    State("till-closing", sale(abandoned=True)),
    State("till-day", a_day_at_the_till),
    *(
        State(f"error-{code}", f"/broken/{code}", status=code)
        for code in (403, 404, 410, 429, 500, 503)
    ),
]
