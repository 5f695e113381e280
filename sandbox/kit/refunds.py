"""Money that goes back: written down once, and answered the same when the call is repeated."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from ..models import Payment, Refund, db
from .checks import canonical
from .provider import Refused


def repeated(payment: Payment, key: str, request: Any, conflict: Refused) -> dict[str, Any] | None:
    """What the call with this idempotency key was answered; None: it is the first.

    :raise conflict: the key was used with another request.
    """
    made = db.session.scalar(
        select(Refund).where(Refund.payment_id == payment.id, Refund.external_id == key)
    )
    if made and made.request != canonical(request):
        raise conflict
    return made.reply if made else None


def of(payment: Payment) -> Sequence[Refund]:
    """All of a payment, oldest first; ``reply`` is each as the provider shows it."""
    query = select(Refund).where(Refund.payment_id == payment.id).order_by(Refund.id)
    return db.session.scalars(query).all()


def change(payment: Payment, before: str, after: str) -> Sequence[Refund]:
    """Those with a ``status`` get another one: which they were."""
    found = [each for each in of(payment) if each.reply["status"] == before]
    for each in found:
        each.reply = {**each.reply, "status": after}
    return found


def keep(
    payment: Payment, amount: int, reply: dict[str, Any], key: str = "", request: Any = None
) -> None:
    """Write a refund of ``amount`` minor units down; without a key, by the id of the ``reply``."""
    db.session.add(
        Refund(
            payment_id=payment.id,
            external_id=key or reply["id"],
            amount=amount,
            reply=reply,
            request=canonical(request),
        )
    )
