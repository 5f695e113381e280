"""The shopper leaves to pay, comes back, pays another way: each attempt is a payment of its own.

What is about to happen is committed before a provider is called: a process that dies in between
leaves an attempt that the next press of the button goes on with, under the same reference.
"""

import logging
import time
from datetime import timedelta
from typing import Literal

from sqlalchemy import and_, or_, select

import logs
from database import database_now, db, now, transaction, update_one
from models import OPEN, Order, Payment
from providers.contract import Configured, PaymentRequest, ProviderError, ReferenceTaken
from providers.optional import Cancels, Resumes

from .closing import close_other_payments
from .credit import reserve_again
from .gateway import providers, request_for, settings, urls_for
from .pages import ask_for_page, close_attempt
from .reconcile import check_payment
from .replaced import paid_instead
from .timing import FIRST_CHECK

ASKING = timedelta(seconds=12)  # longer than any call for a page takes (providers/http.py)
OTHER_PRESS = timedelta(seconds=2)  # that a press waits for the answer to another
PAUSE = 0.05  # seconds between two reads of that answer

log = logging.getLogger(__name__)


class OrderClosed(Exception):
    """The order needs no payment: it is paid, or a person is looking at it."""


def start(order_id: str, provider: str, method: str = "") -> str | None:
    """The address of the provider's page for this order; pressing twice gives the same page.

    ``method`` as in ``PaymentRequest``. None: the shopper pays on a page of ours.

    :raise OrderClosed: nothing to pay.
    :raise CreditGone: the order's gift card no longer covers its part.
    :raise ProviderError: no page; ``error.shopper`` is the sentence to show.
    """
    configured = providers()[provider]
    try:
        return _start_attempt(order_id, configured, method)
    except ReferenceTaken:
        # Sent before with another payload (a corrected e-mail, say), and the answer was lost. The
        # shopper never received that page, so start one new attempt under a new reference.
        return _start_attempt(order_id, configured, method)


def _start_attempt(order_id: str, configured: Configured, method: str) -> str | None:
    request, page = open_attempt(order_id, configured, method)
    if page == "known" and not _is_open(order_id, configured, request):
        request, page = open_attempt(order_id, configured, method)
    provider = configured.capabilities.name
    logs.about(order_id=order_id, payment_id=request.reference, provider=provider)
    if page == "known":
        _go_back_to(request.reference)
    elif page == "wanted" or _claim_page(request.reference):
        ask_for_page(order_id, configured, request)
    close_other_payments(order_id, keep=request.reference)
    return _address_of(request.reference)


def open_attempt(
    order_id: str, configured: Configured, method: str
) -> tuple[PaymentRequest, Literal["known", "wanted", "unclear"]]:
    """The order's open payment at this provider, or a new one, committed before any call.

    Returns what the provider is to be asked, and whether its page is known, is to be asked for, or
    was asked for before, by a press of the button that may still wait for the answer.
    """
    capabilities = configured.capabilities
    with transaction() as session:
        order = session.get(Order, order_id, with_for_update=True, populate_existing=True)
        if order is None or order.status != "open" or paid_instead(order):
            raise OrderClosed(order_id)
        if order.credit:
            reserve_again(order)
        attempts = session.scalars(
            select(Payment).where(Payment.order_id == order_id).order_by(Payment.attempt.desc())
        ).all()
        for payment in attempts:
            if (
                payment.provider == capabilities.name
                and payment.method == method
                and payment.status in OPEN
                and payment.hint != "failed"
                and not (payment.abandoned and isinstance(configured.module, Cancels))
                and payment.page_expires_at > now()
            ):
                return request_for(payment), "known" if payment.page_url else "unclear"
        waits, moment = settings().payment_minutes, database_now()
        payment = Payment(
            order=order,
            attempt=len(attempts) + 1,
            provider=capabilities.name,
            method=method,
            amount=order.to_pay,
            currency=order.currency,
            page_expires_at=now() + timedelta(minutes=capabilities.page_minutes or waits),
            expires_at=now() + timedelta(minutes=capabilities.silent_minutes or waits),
            next_check_at=moment + FIRST_CHECK,
            page_asked_at=moment,
        )
        session.add(payment)
        session.flush()
        return request_for(payment), "wanted"


def _claim_page(payment_id: str) -> bool:
    """Whether this press of the button is the one that asks; one at a time does, for one payment.

    Another press may be waiting for the provider's answer: it is waited for, for a moment. False
    when its answer came, and also when it takes longer: the shopper then goes to the order's page.
    """
    ends = time.monotonic() + OTHER_PRESS.total_seconds()
    free = and_(
        Payment.id == payment_id,
        Payment.page_url.is_(None),
        or_(Payment.page_asked_at.is_(None), Payment.page_asked_at <= database_now() - ASKING),
    )
    while True:
        with transaction():
            if update_one(Payment, free, page_asked_at=database_now()):
                return True
        payment = db.session.get_one(Payment, payment_id)
        if payment.page_url or payment.status not in OPEN or time.monotonic() > ends:
            return False
        db.session.rollback()
        time.sleep(PAUSE)


def _go_back_to(payment_id: str) -> None:
    """This payment is in use again: what came of the last visit to its page is over.

    In a transaction of its own, for the reason that ``close_other_payments`` gives.
    """
    with transaction():
        still_open = and_(Payment.id == payment_id, Payment.status.in_(OPEN))
        update_one(Payment, still_open, abandoned=False, hint=None, returned_at=None)


def _is_open(order_id: str, configured: Configured, request: PaymentRequest) -> bool:
    """Ask about a page that was made before, where that can be done; False when it is closed.

    :raise OrderClosed: it was paid, or is being paid.
    """
    if not isinstance(configured.module, Resumes):
        return True
    urls = urls_for(order_id, configured.capabilities.name)
    try:
        state = configured.module.resume_checkout(configured.account, request, urls)
    except ProviderError as error:
        log.warning("payment %s: %s", request.reference, error)
        return True  # no answer: send the shopper to the page anyway
    if state == "done":
        with transaction() as session:
            payment = session.get_one(Payment, request.reference)
            payment.returned_at = payment.returned_at or now()
            payment.hint = None
            payment.next_check_at = payment.next_check_at and database_now()
        check_payment(request.reference)
        raise OrderClosed(order_id)
    if state == "closed":
        close_attempt(request.reference, "expired", "page_closed", "the page takes no money now")
    return state == "open"


def _address_of(payment_id: str) -> str | None:
    """The provider's page, for a redirect; None where the shopper first comes to a page of ours."""
    payment = db.session.get_one(Payment, payment_id, populate_existing=True)
    if payment.next_action and payment.next_action["kind"] != "redirect":
        return None
    return payment.page_url
