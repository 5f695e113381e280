"""A provider's webhook says "look at this payment" and proves nothing: book a check, ask later.

A ping is believed in one point only, that it is time to ask. Anyone can send one, so it must be
cheap. No provider is called here; the worker asks. What a ping costs:

====================================  ==========================================================
of a payment, none since its check    one indexed read, one UPDATE, one message to the worker
of a payment, another one waits       one indexed read
of an unknown id, the first           two indexed reads, one insert, one more read
of an unknown id, within the hour     two indexed reads
====================================  ==========================================================

One check answers all pings that came before it began (``pinged_at``, ``checked_at``); the next
begins PING_PAUSE later at the earliest. An unknown id may be of a payment whose create call is
still on its way: it is remembered, and answered when the reference is stored.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Row, and_, delete, exists, or_, select

from database import database_now, db, insert_into, transaction
from models import EarlyPing, Payment

from .timing import PING_PAUSE, is_pinged

REMEMBERED = timedelta(hours=1)  # a create call is answered within seconds
KEPT = 10_000  # unknown ids after a sweep; forged ones must not fill the disk


def take_ping(provider: str, reference: str) -> tuple[str, timedelta] | None:
    """Book a check of the payment that the provider calls so.

    Returns its id and how long it is until the check is due; None when there is nothing to book.
    """
    payment = _find(provider, reference)
    if payment is None and remember(provider, reference):
        payment = _find(provider, reference)  # its reference may be stored since
    return None if payment is None or _waits(payment) else _book(payment.id)


def settle_early_pings(provider: str = "", reference: str = "") -> None:
    """Book checks for remembered ids that are a payment's by now: of this one, or of all.

    Called when a reference was stored and committed, and by the sweep. One indexed read, where
    there is none.
    """
    same = and_(
        Payment.provider == EarlyPing.provider, Payment.provider_reference == EarlyPing.reference
    )
    # Not a join: a database without statistics might read all payments first.
    known = select(EarlyPing.provider, EarlyPing.reference).where(exists().where(same))
    if reference:
        known = known.where(EarlyPing.provider == provider, EarlyPing.reference == reference)
    found: Sequence[Row[str, str]] = db.session.execute(known).all()
    for each in found:
        take_ping(*each)
        _forget(and_(EarlyPing.provider == each.provider, EarlyPing.reference == each.reference))


def forget_early_pings() -> None:
    """Those older than an hour, and all but the newest."""
    newest = select(EarlyPing.received_at).order_by(EarlyPing.received_at.desc())
    beyond = newest.offset(KEPT).limit(1).scalar_subquery()
    old = EarlyPing.received_at < database_now() - REMEMBERED
    _forget(or_(old, EarlyPing.received_at <= beyond))


def _find(provider: str, reference: str) -> Payment | None:
    which = (Payment.provider == provider, Payment.provider_reference == reference)
    return db.session.scalar(select(Payment).where(*which))


def _waits(payment: Payment) -> bool:
    """Whether a check that a ping has booked is still to come, and was not called off."""
    return is_pinged(payment) and payment.next_check_at is not None


def _book(payment_id: str) -> tuple[str, timedelta] | None:
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if _waits(payment):  # another ping was faster
            return None
        moment = database_now()
        due = max(moment, (payment.checked_at or moment - PING_PAUSE) + PING_PAUSE)
        payment.pinged_at, payment.next_check_at = moment, due
        return payment_id, due - moment


def remember(provider: str, reference: str) -> bool:
    """Whether it is remembered since now; False when it was before."""
    key = {"provider": provider, "reference": reference}
    if db.session.get(EarlyPing, key):
        return False
    with transaction() as session:
        new = insert_into(EarlyPing).values(**key, received_at=database_now())
        session.execute(new.on_conflict_do_nothing())
    return True


def _forget(which: ColumnElement[bool]) -> None:
    with transaction() as session:
        session.execute(delete(EarlyPing).where(which).execution_options(synchronize_session=False))
