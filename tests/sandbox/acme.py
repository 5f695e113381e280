"""A provider made up to try the kit with: forms, idempotency keys, signatures with a time stamp.

It is read like a provider's folder, in the order that the head of ``sandbox.kit`` gives.
"""

import uuid
from typing import Any

from flask import request

from sandbox import kit
from sandbox.kit import Provider, Refused, Webhooks
from sandbox.models import Delivery, Payment

SECRET, KEY = "acme_secret", "acme_key"

provider = Provider(
    "acme",
    "Acme",
    settings=kit.Settings,
    assumptions=("Everything about it.",),
    open_in=("open",),
    paid_in=("paid", "refunded"),
    envelope=lambda error: {"error": {"message": error.message, **error.more}},
    errors={
        401: {"message": "Who is it?"},
        404: {"message": "What is it?"},
        500: {"message": "Sorry."},
        502: {"message": "Sorry."},
        503: {"message": "Sorry."},
    },
    keeps_first_reply=True,
    cannot=("three_d_secure",),
)


def login() -> None:
    if not kit.is_secret(request.headers.get("Authorization", ""), f"Bearer {KEY}"):
        raise provider.refused(401)


api = provider.blueprint("api", "/v1", login)


@api.post("/sessions")
def create() -> Any:
    return provider.create(make, page_of, lambda payment, page: shown(payment) | {"url": page})


@api.get("/sessions/<reference>")
def retrieve(reference: str) -> Any:
    return shown(provider.found(reference))


def make() -> Payment:
    form, key = request.form.to_dict(), request.headers.get("Idempotency-Key", "")
    if not form.get("amount", "").isdigit():
        raise Refused(400, "amount is no number", param="amount")
    if not kit.is_web_address(form.get("success_url")):
        raise Refused(400, "success_url is no address", param="success_url")
    conflict = Refused(400, "This key was used for something else", type="idempotency_error")
    return provider.once(key, form, lambda: new(form), conflict)


def new(form: dict[str, str]) -> Payment:
    return provider.new(
        reference=f"cs_{uuid.uuid4().hex}",
        external_id=form.get("order"),
        amount=int(form["amount"]),
        currency="USD",
        return_url=form["success_url"],
        lifetime=86400,
        details={"hook": form.get("hook", "http://127.0.0.1:9/")},
    )


def shown(payment: Payment) -> dict[str, Any]:
    return {"id": payment.reference, "status": payment.status, "amount": payment.amount}


@provider.moves(paid="paid", expired="expired")
def move(payment: Payment, status: str) -> list[Delivery]:
    payment.status, payment.timer = status, None
    return WEBHOOKS.send(
        payment,
        f"session.{status}",
        {"type": f"session.{status}", "live": False, "data": shown(payment)},
        url=payment.details["hook"],
        headers=lambda body: {"Acme-Signature": kit.timed_hmac(SECRET, body)},
        goes_back=status == "refunded",
    )


WEBHOOKS = Webhooks(
    retry_after=(60, 3600),
    amounts=("amount",),
    lies={"wrong_environment": {"live": True}, "wrong_amount": {"data.amount": 1}},
    tamper=(rb'"amount":', b"1"),
)


def refund(payment: Payment, amount: int) -> None:
    payment.refunded += amount
    kit.refunds.keep(payment, amount, {"id": f"re_{uuid.uuid4().hex}"})
    move(payment, "refunded")


provider.actions = (
    kit.Action("refund", "Refund", "All of it.", lambda p: p.amount * (p.status == "paid"), refund),
)
page_of = kit.page_of_endings(
    provider, "/pay", {"pay": "Pay"}, lambda it, _ending: move(it, "paid")
)
