"""WiPay's Trusted Cards: kept, verified by what was debited, charged (WAPI v2.0.2).

Documentation: docs.wipayfinancial.com/wapi/trusted-cards, hosted-checkout-flows. A card is typed on
the hosted page (``page.py``), which calls :func:`keep`.
"""

import random
import re
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .. import clock
from ..kit import Refused, commit, major
from ..models import Base, Payment, db
from . import answer_create, new, provider, rules
from .fees import USD_IN_TTD, half_up
from .wapi import authenticate

VERIFIABLE_FOR = 72 * 3600  # seconds
DEBIT = (50, 150)  # US cents; the documented example is 0.80

#: Version 4, whose third and fourth groups begin as shown.
UUID_PATTERN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)

trusted = provider.blueprint("cards", "/wapi/trusted-cards", login=authenticate)


class Card(Base):
    """A card that WiPay keeps; of its number, the last four digits."""

    __tablename__ = "wipay_cards"

    uuid: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"))  # the debit of the check
    network: Mapped[str]
    last_four: Mapped[str]
    expiry: Mapped[str]  # MM/YY
    holder: Mapped[str]
    verified: Mapped[bool] = mapped_column(default=False)
    verify_until: Mapped[float]  # clock.now()
    debit: Mapped[Payment] = relationship()


@trusted.post("")
def create_card() -> Any:
    """A hosted page that takes a card and debits a small amount in USD."""
    form = rules.sent()
    wanted = {
        "environment": form.get("environment") == "sandbox",
        "response_url": rules.is_response_url(form.get("response_url", "")),
    }
    rules.keep_to(wanted, form)
    debit = {
        "total": major(random.randint(*DEBIT)),  # noqa: S311  # no secret
        "currency": "USD",
        "fee_structure": "merchant_absorb",
        "order_id": secrets.token_hex(5),
        "origin": "wapi",
        "response_url": form["response_url"],
    }
    return answer_create(lambda: new(debit, saves_card=True))


@trusted.post("/<card_id>/verify")
def verify_card(card_id: str) -> Any:
    """The amount is the one in USD, or its worth in TTD."""
    card = _card(card_id)
    if card.verified:
        raise Refused(403, "Your card has already been verified.")
    if card.verify_until <= clock.now():
        raise Refused(403, "The verification window has expired.")
    try:
        amount = Decimal(rules.sent().get("amount", ""))
    except InvalidOperation:
        raise Refused(400, "The amount field is invalid.") from None
    if amount * 100 not in amounts(card):
        if provider.settings.sandbox_wipay_wrong_amount == "delete":
            db.session.delete(card)
            commit()
        raise Refused(400, "The amount is incorrect.")
    card.verified = True
    commit()
    return {"message": "OK"}


@trusted.get("")
def list_cards() -> Any:
    cards = db.session.scalars(select(Card).order_by(Card.payment_id)).all()
    return {"message": "OK", "data": [_shown(card) for card in cards]}


@trusted.get("/<card_id>")
def retrieve_card(card_id: str) -> Any:
    card = db.session.get(Card, card_id)
    if card is None:
        return {"message": "OK", "data": []}
    is_array = provider.settings.sandbox_wipay_card_shape == "array"
    return {"message": "OK", "data": [_shown(card)] if is_array else _shown(card)}


@trusted.delete("/<card_id>")
def delete_card(card_id: str) -> Any:
    card = _card(card_id)
    if not card.verified:
        card.debit.refunded = card.debit.amount  # the pre-authorisation is voided
    db.session.delete(card)
    commit()
    return {"message": "OK"}


@trusted.post("/<card_id>/charge")
def charge_card(card_id: str) -> Any:
    """A transaction whose hosted page only asks for the payer's consent."""
    card, form = _card(card_id), rules.sent()
    if not card.verified:
        raise Refused(403, "Your card has not been verified.")
    form = {
        "environment": "sandbox",
        "country_code": provider.settings.wipay_country_code,
        "origin": "wapi",
        **form,
    }
    data_fits = len(form.get("data", "")) <= 8192
    rules.keep_to({**rules.of_transaction(form), "data": data_fits}, form)
    saved_card = (card.network, card.last_four)
    return answer_create(lambda: new(form, saved_card))


def keep(payment: Payment) -> None:
    """The page took a card; it is to be verified before it can be charged. The caller commits."""
    details = payment.details
    card = Card(
        uuid=str(uuid.uuid4()),
        payment_id=payment.id,
        network=details["network"],
        last_four=details["card"][-4:],
        expiry=details["expiry"],
        holder=details["holder"],
        verify_until=clock.now() + VERIFIABLE_FOR,
    )
    db.session.add(card)
    details["uuid"] = card.uuid


def amounts(card: Card) -> tuple[int, ...]:
    """What verifies a card, in minor units: what the statement shows in USD, or in TTD."""
    usd = card.debit.amount
    return usd, half_up(usd * USD_IN_TTD)


def _card(card_id: str) -> Card:
    if not UUID_PATTERN.fullmatch(card_id):
        raise Refused(400, "The uuid is not a valid UUID (version 4).")
    card = db.session.get(Card, card_id)
    if card is None:
        raise Refused(400, "The selected uuid is invalid.")
    return card


def _shown(card: Card) -> dict[str, Any]:
    month, year = card.expiry.split("/")
    first, _, last = card.holder.rpartition(" ")
    left = timedelta(seconds=card.verify_until - clock.now())
    expiry = (datetime.now(UTC) + left).isoformat(timespec="seconds")
    return {
        "uuid": card.uuid,
        "card_type": card.network.lower(),
        "pan": f"************{card.last_four}",
        "exp_mm": month,
        "exp_yy": year,
        "first_name": first or last,
        "last_name": last if first else "",
        "environment": "sandbox",
        "verified": card.verified,
        "verify_expiry": None if card.verified else expiry,
    }
