"""Messages that no honest payment causes: forged ones, and odd ones that MintCash signs."""

from typing import Any

import requests
from sqlalchemy import select

from database import db
from models import Payment
from sandbox.models import Delivery
from sandbox.models import db as sandbox_db
from tests.providers.mintcash.case import changed, fixture, sign
from tools.explore.points import acting
from tools.explore.stories import Move
from tools.explore.wire import SHOP
from tools.explore.world import World


def forge(world: World) -> None:
    """MintCash's news that the newest order is paid, signed with nothing."""
    _post(world, changed(eventId="forged", data=_documented(world)))


def forge_a_copy(world: World) -> None:
    """What MintCash is about to say, with another signature: only the shop's secret is missing."""
    with acting(None), world.sandbox.app_context():
        waiting = select(Delivery.body).where(Delivery.state == "waiting").order_by(Delivery.id)
        bodies = list(sandbox_db.session.scalars(waiting))
    for body in bodies:
        _post(world, body)


def _documented(world: World) -> dict[str, Any]:
    """MintCash's documented news of a payment, about the newest one."""
    with acting(None), world.shop.app_context():
        newest = select(Payment).order_by(Payment.created_at.desc()).limit(1)
        payment = db.session.scalars(newest).one()
        documented: dict[str, Any] = fixture("succeeded_documented.json")["data"]
        return documented | {
            "id": payment.provider_reference,
            "externalId": payment.id,
            "amount": payment.amount / 100,
            "amountRefundable": payment.amount / 100,
            "currency": payment.currency,
        }


def _post(world: World, body: bytes, signature: str = "0" * 64) -> None:
    headers = {"Content-Type": "application/json", "x-signature": signature}
    session = requests.Session()
    try:
        session.post(f"{SHOP}/webhooks/mintcash", data=body, headers=headers, timeout=20)
    except requests.ConnectionError:  # providers repeat what was not taken, and attackers may
        session.post(f"{SHOP}/webhooks/mintcash", data=body, headers=headers, timeout=20)


def says(event: str, **changes: object) -> Move:
    """MintCash says something odd about the newest payment, and signs it."""

    def move(world: World) -> None:
        data = _documented(world) | changes
        body = changed(event=event, eventId=f"odd-{event}", data=data)
        account = world.shop.extensions["providers"]["mintcash"].account
        _post(world, body, sign(body, account.signing_secrets[0]))

    return move
