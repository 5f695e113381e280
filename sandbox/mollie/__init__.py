"""Mollie's API, webhooks and test page (docs.mollie.com, read 2026-11)."""

import re
import secrets
from typing import Any

from flask import request

from .. import clock, kit
from ..faults import LIES
from ..kit import Refused, refunds
from ..kit.fields import Words, must
from ..models import Delivery, Payment
from .settings import ASSUMPTIONS, MollieSettings

KEY_USED = Refused(400, "This Idempotency-Key has already been used.")
VALUE = re.compile(r"\d{1,8}\.\d\d", re.ASCII)  # of two decimals
#: What the body of a call holds, and what is said otherwise (handling-errors).
AMOUNT = {
    "currency!": must(kit.is_text, "The amount does not contain a currency"),
    "value!": must(lambda it: VALUE.fullmatch(str(it)), "The amount contains an invalid value"),
}
PAYMENT = {
    "amount!": AMOUNT,
    "description!": must(kit.is_text, "The 'description' field is missing"),
    "redirectUrl!": must(kit.is_web_address, "The redirect URL is invalid"),
    "webhookUrl!": must(kit.is_web_address, "The webhook URL is invalid"),
}
#: The shopper of a test payment picks how it ends (testing).
ENDINGS = {"paid": "Pay", "failed": "Fail", "canceled": "Cancel", "expired": "Expire"}

provider = kit.Provider(
    "mollie",
    "Mollie",
    settings=MollieSettings,
    assumptions=ASSUMPTIONS,
    open_in=("open",),
    paid_in=("paid",),
    keeps_first_reply=True,
    envelope=lambda error: {"status": error.status, "detail": error.message, **error.more},
    cannot=("three_d_secure", "pay_twice", "no_amount", "null_amount", *LIES),
)
api = provider.blueprint("api", "/v2/payments", kit.login_with(provider, "mollie_api_key", "token"))


@api.post("")
def create_payment() -> Any:
    """create-payment, api-idempotency."""
    sent, key = body(PAYMENT), request.headers.get("Idempotency-Key", "")
    made = provider.create(
        lambda: provider.once(key, sent, lambda: _new(sent), KEY_USED), page_of, shown
    )
    return made, 201


@api.get("/<reference>")
def get_payment(reference: str) -> dict[str, Any]:
    """get-payment, with ``embed=refunds``."""
    payment = provider.found(reference)
    named = request.args.get("embed") == "refunds"
    embedded = {"refunds": [each.reply for each in refunds.of(payment)]} if named else {}
    return shown(payment) | {"_embedded": embedded}


@api.delete("/<reference>")
def cancel_payment(reference: str) -> dict[str, Any]:
    """cancel-payment."""
    payment = provider.found(reference)
    if payment.status != "open":
        raise Refused(422, "The payment cannot be cancelled")
    move(payment, "canceled")
    kit.commit()
    return shown(payment)


@api.post("/<reference>/refunds")
def create_refund(reference: str) -> Any:
    """create-refund."""
    payment, sent = provider.found(reference), body({"amount!": AMOUNT})
    key, amount = request.headers.get("Idempotency-Key", ""), kit.minor(sent["amount"]["value"])
    if first := refunds.repeated(payment, key, sent, KEY_USED):
        return first, 201
    if amount > _remains(payment):
        raise Refused(422, "The specified amount cannot be refunded", field="amount.value")
    made = refund(payment, amount, key, sent)
    kit.commit()
    return made, 201


def body(rules: dict[str, Any]) -> dict[str, Any]:
    sent = kit.json_object(Refused(400, "The body is not a JSON object."))
    for path, sentence in Words(no_object="The amount is invalid").problems(sent, rules):
        raise Refused(422, sentence, field=".".join(map(str, path)))
    return sent


def _new(sent: dict[str, Any]) -> Payment:
    return provider.new(
        reference=f"tr_{secrets.token_hex(11)}",
        external_id=str(sent.get("metadata")),
        amount=kit.minor(sent["amount"]["value"]),
        currency=sent["amount"]["currency"],
        return_url=sent["redirectUrl"],
        lifetime=15 * 60,
        details=sent,
    )


def shown(payment: Payment, page: str = "") -> dict[str, Any]:
    """A payment as get-payment has it."""
    is_open, why = payment.status == "open", {"failureReason": "insufficient_funds"}
    return {
        "id": payment.reference,
        "createdAt": payment.created_at,
        "status": payment.status,
        **{name: payment.details.get(name) for name in ("amount", "description", "metadata")},
        "details": why if payment.status == "failed" else None,
        "isCancelable": is_open,
        "_links": {"checkout": {"href": page or page_of(payment)}} if is_open else {},
    }


#: Attempts 1, 2, 4, 8, 16 and 29 minutes, 1, 2 and 22 hours after the one before (webhooks).
WEBHOOKS = kit.Webhooks(
    retry_after=(60, 120, 240, 480, 960, 1740, 3600, 7200, 79200),
    lies={
        "tamper": {"id": "tr_forged"},
        "replay_other_order": {"id": lambda _payment, other: other.reference},
    },
    encode=kit.form_bytes,
)


@provider.moves(paid="paid", expired="expired")
def move(payment: Payment, status: str, goes_back: bool = False) -> list[Delivery]:
    """handling-payment-status, webhooks: each status but ``open`` is told by the id, unsigned."""
    payment.status, payment.timer = status, None
    said, url = {"id": payment.reference}, payment.details["webhookUrl"]
    return WEBHOOKS.send(payment, f"id, {status}", said, url=url, goes_back=goes_back)


page_of = kit.page_of_endings(provider, "/checkout", ENDINGS, move, declines="failed")


def refund(payment: Payment, amount: int, key: str = "", sent: Any = None) -> dict[str, Any]:
    """By API, or on the dashboard, without ``sent``. It is made when the timer rings."""
    made = {
        "id": f"re_{secrets.token_hex(5)}",
        "amount": {"value": kit.major(amount), "currency": payment.currency},
        "status": "pending",
        "metadata": sent and sent.get("metadata"),
    }
    refunds.keep(payment, amount, made, key, sent)
    payment.timer = clock.now() + 20  # two hours and more at Mollie
    return made


@provider.ends_refunds
def end_refunds(payment: Payment, status: str = "refunded") -> None:
    """Those under way. The payment stays paid, and its webhook is called once more (webhooks)."""
    ended = sum(each.amount for each in refunds.change(payment, "pending", status))
    payment.refunded += ended if status == "refunded" else 0
    move(payment, "paid", goes_back=True)


def _remains(payment: Payment) -> int:
    gone = sum(e.amount for e in refunds.of(payment) if e.reply["status"] != "failed")
    return payment.amount - gone if payment.status == "paid" else 0


provider.actions = (
    kit.Action("refund", "Refund", "On the dashboard; made later.", _remains, refund, in_part=True),
    kit.Action(
        "refund_fails",
        "Refunds fail",
        "Those under way end as failed.",
        lambda payment: payment.amount if payment.timer and payment.status == "paid" else 0,
        lambda payment, _amount: end_refunds(payment, "failed"),
    ),
)
