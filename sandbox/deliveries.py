"""Webhooks on their way: stored with their exact bytes, sent at least once, kept to be seen.

A delivery is claimed by one conditional update, so that several threads may look for work. Only a
2xx answer within the time-out counts; a redirect is not followed, and fails like any other answer.
"""

import time
from collections.abc import Sequence

import requests
from flask import current_app
from sqlalchemy import exists, or_, select, update

from . import clock
from .models import Attempt, Delivery, Payment, db
from .settings import settings

TIMEOUT = 10.0  # seconds to connect, and again between two bytes of the answer
ANSWER_KEPT = 200  # characters


def enqueue(
    payment: Payment,
    event: str,
    *,
    url: str,
    headers: dict[str, str],
    body: bytes,
    retry_after: Sequence[int],
    last_word: bool,
    goes_back: bool = False,
) -> list[Delivery]:
    """Store a webhook, to be sent when the transaction is committed and a thread finds it.

    :param retry_after: sandbox seconds from each failed attempt to the next; then it is given up.
    :param last_word: whether this event settles the payment; "reorder" sends it before the others.
    :param goes_back: whether it says that money went back; "overtaken" sends it before the others.
    :return: one delivery; two when the payment's delivery fault is "duplicate".
    """
    delivery_fault = payment.delivery_fault
    due, state = clock.now(), "waiting"
    is_awaited = goes_back if delivery_fault == "overtaken" else last_word
    if delivery_fault == "delay":
        due += settings().sandbox_delay_seconds
    elif delivery_fault == "drop":
        state = "dropped"
    elif delivery_fault in ("reorder", "overtaken") and not is_awaited:
        state = "held"
    deliveries = [
        Delivery(
            payment_id=payment.id,
            event=event,
            url=url,
            headers=headers,
            body=body,
            state=state,
            due=due,
            retry_after=list(retry_after),
        )
        for _ in range(2 if delivery_fault == "duplicate" else 1)
    ]
    db.session.add_all(deliveries)
    db.session.flush()
    if is_awaited:
        db.session.execute(
            update(Delivery)
            .where(Delivery.payment_id == payment.id, Delivery.state == "held")
            .values(state="waiting", after_id=deliveries[0].id)
        )
    return deliveries


def send_again(delivery: Delivery) -> None:
    """Send a delivery once more, now: the same bytes, the same event id."""
    if delivery.state != "sending":
        delivery.state, delivery.due = "waiting", clock.now()


def claim_next() -> Delivery | None:
    """Take one delivery that is due, to send it; None when there is none."""
    predecessor_tried = exists().where(Attempt.delivery_id == Delivery.after_id)
    due = (
        select(Delivery.id)
        .where(
            Delivery.state == "waiting",
            Delivery.due <= clock.now(),
            or_(Delivery.after_id.is_(None), predecessor_tried),
        )
        .order_by(Delivery.due, Delivery.id)
        .limit(1)
    )
    claim = update(Delivery).where(Delivery.id == due.scalar_subquery()).values(state="sending")
    claimed = db.session.scalar(claim.returning(Delivery.id))
    return db.session.get_one(Delivery, claimed) if claimed else None


def send_now(delivery: Delivery) -> None:
    """Send a delivery that was just stored, and commit, before any thread can see it."""
    if delivery.state == "waiting":
        delivery.state = "sending"
        send(delivery)


def recover() -> None:
    """Put back what a killed process was sending: it may arrive twice, but never not at all."""
    db.session.execute(update(Delivery).where(Delivery.state == "sending").values(state="waiting"))


def send(delivery: Delivery) -> None:
    """One attempt at a delivery that is claimed; no transaction is open meanwhile."""
    if delivery.attempts:
        _sign_again(delivery)
    attempt = post(delivery.url, delivery.headers, delivery.body)
    delivery.attempts.append(attempt)
    if attempt.status is not None and 200 <= attempt.status < 300:
        delivery.state = "delivered"
    elif delivery.retry_after:
        delivery.state = "waiting"
        delivery.due = clock.now() + delivery.retry_after[0]
        delivery.retry_after = delivery.retry_after[1:]
        _count_retry(delivery)
    else:
        delivery.state = "given_up"
    db.session.commit()


def _sign_again(delivery: Delivery) -> None:
    """With the time of this attempt, where the provider signs it; "tamper" stays as it was."""
    payment = db.session.get_one(Payment, delivery.payment_id)
    sign = current_app.extensions["providers"][payment.provider].sign_again
    if sign and payment.delivery_fault != "tamper":
        delivery.headers = delivery.headers | sign(delivery.body)


def _count_retry(delivery: Delivery) -> None:
    """In a header, where the provider has one for it: "0" at first."""
    provider = db.session.get_one(Payment, delivery.payment_id).provider
    name = current_app.extensions["providers"][provider].counts_retries_in
    if name in delivery.headers:
        delivery.headers = delivery.headers | {name: str(int(delivery.headers[name]) + 1)}


def post(url: str, headers: dict[str, str], body: bytes) -> Attempt:
    """One attempt; a network fault becomes a few short words. Ends the transaction."""
    webhook = requests.Request("POST", url, headers, data=body).prepare()
    db.session.commit()
    started_at, started = clock.timestamp(), time.monotonic()
    status = None
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxies: the shop is on this machine
            with session.send(
                webhook, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as response:
                start = next(response.iter_content(4 * ANSWER_KEPT), b"")
                answer = start.decode("utf-8", "replace")[:ANSWER_KEPT]
                status = response.status_code
    except requests.Timeout:
        answer = "timed out"
    except requests.RequestException as error:
        answer = f"no answer ({type(error).__name__})"
    return Attempt(
        started_at=started_at, status=status, answer=answer, seconds=time.monotonic() - started
    )
