"""Which payment is this news about? References are claimed once; parts are added up."""

from dataclasses import replace

from sqlalchemy import and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from database import db, update_one
from models import Payment, PaymentPart
from providers.contract import News

from .ladder import MONEY
from .review import flag_for_review


def find_payment(provider: str, news: News) -> Payment | None:
    """By the provider's reference, of the payment, a part of it, or the movement of its money.

    By ours only while the provider's is not known yet. Never by anything that travels outside the
    signed news: a true delivery about order A, sent to the address of order B, is about order A.
    The payment is locked: news of one payment is applied one after the other.
    """
    theirs = news.provider_reference
    locked = select(Payment).with_for_update(of=Payment)
    known = (Payment.provider == provider, Payment.provider_reference == theirs)
    with_parts = locked.where(*known).options(joinedload(Payment.parts))
    payment = db.session.scalars(with_parts).unique().one_or_none()
    if payment is None and theirs:
        part = (PaymentPart.provider == provider, PaymentPart.provider_reference == theirs)
        payment = db.session.scalar(locked.join(PaymentPart).where(*part))
    if payment is None and theirs:
        moved = (Payment.provider == provider, Payment.transaction_id == theirs)
        payment = db.session.scalar(locked.where(*moved).order_by(Payment.id).limit(1))
    if payment or not (news.reference or "").isalnum():  # ours are hexadecimal
        return payment
    payment = db.session.get(Payment, news.reference, populate_existing=True, with_for_update=True)
    if payment is None or payment.provider != provider:
        return None
    if claim_reference(payment.id, theirs) or _rebind_form_payment(payment, news):
        return payment
    return None


def claim_reference(payment_id: str, reference: str) -> bool:
    """Store the provider's reference, once; False when there is another, or another has it."""
    payment = and_(
        Payment.id == payment_id,
        or_(Payment.provider_reference.is_(None), Payment.provider_reference == reference),
    )
    try:
        with db.session.begin_nested():
            return update_one(Payment, payment, provider_reference=reference) is not None
    except IntegrityError:
        return False


def _rebind_form_payment(payment: Payment, news: News) -> bool:
    """A form of ours can be posted twice: declined first, then paid, under another id each.

    Money rebinds it while there is none; money under a second id is for a person to refund.
    """
    if not payment.next_action or payment.next_action["kind"] != "form" or news.status not in MONEY:
        return False
    unpaid = and_(Payment.id == payment.id, Payment.status.not_in((*MONEY, "voided")))
    if update_one(Payment, unpaid, provider_reference=news.provider_reference):
        return True
    flag_for_review(payment.id, f"paid a second time, as {news.provider_reference}: refund it")
    return False


def combine_parts(payment: Payment, news: News) -> News:
    """News of one part, as news of all: paid when every part is."""
    mine = PaymentPart.provider_reference == news.provider_reference
    part = next((p for p in payment.parts if p.provider_reference == news.provider_reference), None)
    if part is None or news.status is None or news.currency not in (payment.currency, None):
        return news  # about the whole payment, or in another currency: leave it as it is
    if news.status in MONEY:
        whole = part.amount if news.status != "partially_paid" else 0
        paid = whole if news.amount is None else news.amount
        mine = and_(PaymentPart.payment_id == payment.id, mine, PaymentPart.received < paid)
        update_one(PaymentPart, mine, received=paid)
    received = sum(each.received for each in payment.parts)
    if news.status not in MONEY:
        return replace(news, status="partially_paid", amount=received) if received else news
    complete = all(each.received >= each.amount for each in payment.parts)
    status = news.status if complete else "partially_paid"
    return replace(news, status=status, amount=received)
