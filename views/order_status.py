"""The state of an order, and what its page shows. The routes are in orders.py.

The page claims only what is known. A page in a state that is not final updates itself, and while
the order is open each state offers a next step: to go on, or to pay another way.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import segno
from flask import url_for

import jobs
import payments
from database import now
from fulfilment import GOODS
from models import OPEN, Credit, Order, Payment
from providers import money

from .downloads import Link, link_of
from .order_words import GONE, LATE, TO_THE_CARD, WORDS

SLOW = timedelta(seconds=30)
#: How often an expired QR code is replaced by itself.
RENEWALS = 3


@dataclass(frozen=True)
class Step:
    """A step from "Pay" to the parcel; done only when known, never when merely likely."""

    label: str
    done: bool
    current: bool


@dataclass(frozen=True)
class View:
    """What the shopper is told about the payment."""

    state: str  # a key of WORDS; templates/orders/states/ has a file for each
    title: str
    headline: str
    sentence: str
    provider_label: str
    steps: list[Step]
    downloads: list[Link]
    cards: list[Credit]  # the gift cards that were bought
    page_url: str | None  # where the shopper can still pay
    qr_image: str | None  # URL of the provider's QR code of that page
    qr_svg: str | None  # the QR code that our page shows
    hosted_page: str | None  # the provider's page, offered beside that code
    open_until: datetime | None
    renew_itself: bool  # an expired code is replaced without a press, the first few times
    money_back: list[str]  # a sentence each
    is_slow: bool
    is_open: bool  # the order can still be paid
    may_be_unpaid: bool  # the page has expired, or the provider reports no payment since

    @property
    def is_waiting(self) -> bool:
        return self.state == "waiting"

    @property
    def is_final(self) -> bool:
        """Nothing changes without the shopper: the page stops polling."""
        if self.state == "paid":
            return self.steps[-1].done
        if self.state == "short":
            return not self.is_open
        return self.state not in ("waiting", "left", "closed", "scan", "code_expired", "partial")

    @property
    def can_retry(self) -> bool:
        """The page shows the form for another payment."""
        if self.state == "refunded":
            return self.is_open
        return self.state in ("left", "closed", "unpaid", "failed", "canceled", "expired")

    @property
    def can_change(self) -> bool:
        """The form for another payment is folded away: the current one is still open."""
        if self.is_waiting:
            return self.page_url is not None or self.may_be_unpaid
        return self.state in ("scan", "code_expired")

    @property
    def slow_sentence(self) -> str:
        again = (
            "If you did not pay, you can pay another way below. If you did, just wait: what you "
            "pay twice comes back to you."
            if self.can_change
            else "Please do not pay again."
        )
        return (
            f"{self.provider_label} has not confirmed yet. That can take a few minutes. You may "
            f"close this page: we keep asking, and go on with your order as soon as we know. "
            f"{again} If nothing has changed here within a day, write to us with your order number."
        )


def describe(order: Order, payment: Payment | None) -> View:
    """What the page shows of this order and payment."""
    label = ""
    if payment:
        configured = payments.providers().get(payment.provider)
        label = configured.capabilities.label if configured else payment.provider
    state = state_of(order, payment)
    instead = payments.paid_instead(order) if state in ("replaced", "twice") else None
    title, headline, sentence = WORDS[state]
    downloads: list[Link] = []
    cards: list[Credit] = []
    if state == "paid":
        if any(line.fulfilment == "download" for line in order.lines):
            downloads = [link_of(each) for each in order.downloads]
        if any(line.fulfilment == "credit" for line in order.lines):
            cards = order.credits
        if _is_late(order):
            sentence = LATE
    if state == "refunded" and order.credit_is_back:
        sentence = sentence * (order.to_pay > 0) + TO_THE_CARD
    mailed = payments.settings().smtp_url and order.email
    letter = "The receipt is on its way to your inbox." if mailed else "Your receipt is ready."
    return View(
        state=state,
        title=title,
        headline=headline.format(**_sums(payment)),
        sentence=sentence.format(
            letter=letter,
            provider=label or "the provider",
            reason=failure_of(payment),
            gone=_what_happened(payment) if payment and state == "stopped" else "",
            instead=instead,
            credit=money.show(order.credit, order.currency),
            **_sums(payment),
        ),
        provider_label=label or "The provider",
        steps=_steps(order, payment),
        downloads=downloads,
        cards=cards,
        page_url=_resume_url(payment) if state in ("waiting", "partial") else None,
        qr_image=((payment and payment.next_action) or {}).get("qr_image"),
        qr_svg=draw_qr(payment.next_action["payload"])
        if payment and payment.next_action and state == "scan"
        else None,
        hosted_page=payment.page_url if payment else None,
        open_until=payment.page_expires_at if payment else None,
        renew_itself=bool(payment and payment.attempt <= RENEWALS),
        money_back=_money_back(order, payment) if payment and state in ("paid", "stopped") else [],
        is_slow=state == "waiting" and is_slow(payment),
        is_open=order.status == "open",
        may_be_unpaid=payment is not None and (is_over(payment) or was_seen_unpaid(payment)),
    )


def state_of(order: Order, payment: Payment | None) -> str:
    """A key of :data:`WORDS`."""
    if order.credit_is_back:
        return "refunded"
    if payment and (payment.status == "refunded" or 0 < payment.received <= payment.refunded):
        return "refunded"
    if order.held_code == "replaced":
        return "twice"
    if order.status == "open" and payments.paid_instead(order):
        return "replaced"
    if order.status == "held" and payment and payment.status == "partially_paid":
        return "short"
    if payment and payment.id == order.paid_by and _is_gone(payment, order):
        return "stopped"
    if order.status != "open":
        return order.status
    if payment is None or payment.failure_code in NO_PAGE:
        return "unpaid"
    if payment.status in ("failed", "canceled", "expired"):
        return payment.status
    if payment.status == "voided":
        return "canceled"
    if payment.status == "created" and payment.page_url is None:
        return "unpaid"
    over = is_over(payment)
    if payment.status == "partially_paid":
        return "short" if over else "partial"
    if payment.hint:
        return "left"
    if payment.next_action and payment.next_action["kind"] == "qr" and payment.returned_at is None:
        return "code_expired" if over else "scan"
    return "closed" if over and payment.status in OPEN else "waiting"


#: Failures before the provider made a page: no money can have moved.
NO_PAGE = ("rejected", "reference_taken", "foreign_page")


def is_over(payment: Payment) -> bool:
    """By our clock, the provider's page has expired."""
    return payment.page_expires_at < now()


def is_slow(payment: Payment | None) -> bool:
    """The shopper waits for longer than confirming usually takes."""
    return waited(payment) > SLOW


def was_seen_unpaid(payment: Payment) -> bool:
    """The shopper is back for a while, the provider was asked, and the payment is still open."""
    asked = payment.returned_at is not None and payment.checks > 0
    return asked and waited(payment) > SLOW and payment.status in OPEN


def _is_late(order: Order) -> bool:
    """A task of this order is overdue, or parked for a person."""
    overdue = now() - jobs.LATE
    return any(
        task.done_at is None and (task.parked or task.due_at < overdue)
        for task in order.tasks
        if task.kind in GOODS
    )


def _is_gone(payment: Payment, order: Order) -> bool:
    """Too little is left of the money; asked only if something happened to it since it came."""
    is_touched = payment.refunded or payment.refund_asked or payment.dispute
    return bool(is_touched or payment.status == "voided") and not payments.still_pays(
        payment, order
    )


def _what_happened(payment: Payment) -> str:
    refund = "asked" if payment.refund_asked > payment.refunded else "part"
    return GONE.get(payment.dispute or "", GONE[refund])


def _steps(order: Order, payment: Payment | None) -> list[Step]:
    back = bool(payment and payment.returned_at)
    paid = order.status == "paid"
    owed = [task for task in order.tasks if task.kind in GOODS] if paid else []
    ready = bool(owed) and all(task.done_at for task in owed)
    label = label_of(payment)
    last = ("Being packed", "Packed") if order.needs_shipping else ("Being prepared", "Ready")
    if not order.to_pay:
        return _marked(
            [("Paying with the gift card", "Paid with the gift card", paid), (*last, ready)]
        )
    facts = [  # label until it is done, label afterwards, whether it is done
        ("Leaving to pay", "Left for the payment page", payment is not None),
        (f"Paying at {label}", "Back with us", back or paid),
        (f"Confirming with {label}", f"Confirmed by {label}", paid),
        (*last, ready),
    ]
    return _marked(facts)


def _marked(facts: list[tuple[str, str, bool]]) -> list[Step]:
    """Done, or current: the first that is not done."""
    first_open = next((before for before, _, done in facts if not done), None)
    return [
        Step(after if done else before, done, before == first_open) for before, after, done in facts
    ]


def _money_back(order: Order, paying: Payment) -> list[str]:
    """A sentence for each sum that goes back: part of this payment, and each second payment."""
    said = []
    if paying.refunded:
        said.append(f"You got {money.show(paying.refunded, paying.currency)} back.")
    for other in order.payments:
        if other.id != paying.id and other.received:
            received = money.show(other.received, other.currency)
            came = "got" if other.refunded >= other.received else "get"
            said.append(
                f"You paid a second time, {received} with {label_of(other)}: you {came} that back."
            )
    return said


def _resume_url(payment: Payment | None) -> str | None:
    """The provider's page, for a shopper who left it without paying."""
    if payment is None:
        return None
    unused = payment.status in OPEN and payment.returned_at is None
    if not unused and payment.status != "partially_paid":
        return None
    if payment.next_action and payment.next_action["kind"] in ("form", "embed"):
        return url_for("orders.pay_here", order_id=payment.order_id)
    return payment.page_url


@lru_cache(maxsize=64)  # it takes longer than all the rest of a poll
def draw_qr(payload: str) -> str:
    """A QR code as an SVG element: dark on light in both themes, as cameras require."""
    code = segno.make(payload, error="m", micro=False)
    return code.svg_inline(scale=4, border=4, dark="#1d1a16", light="#fff", omitsize=True)


def _sums(payment: Payment | None) -> dict[str, str]:
    """The sums that the words of a state name."""
    if payment is None:
        return {"asked": "", "received": "", "owed": ""}
    owed = payment.amount - payment.received
    return {
        "asked": money.show(payment.amount, payment.currency),
        "received": money.show(payment.received, payment.currency),
        "owed": money.show(owed, payment.currency),
    }


def choice_of(payment: Payment) -> str:
    """The value of the ``Choice`` that this payment was made with."""
    return f"{payment.provider}/{payment.method}" if payment.method else payment.provider


def label_of(payment: Payment | None) -> str:
    configured = payments.providers().get(payment.provider) if payment else None
    return configured.capabilities.label if configured else "the provider"


def failure_of(payment: Payment | None) -> str:
    """Why it failed, in a sentence of the provider's adapter."""
    configured = payments.providers().get(payment.provider) if payment else None
    if payment is None or configured is None:
        return ""
    offered = configured.capabilities
    return offered.failures.get(payment.failure_code or "", offered.failed)


def waited(payment: Payment | None) -> timedelta:
    return now() - (payment.returned_at or payment.created_at) if payment else timedelta()
