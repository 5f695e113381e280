"""A transaction that a wallet has sent: the page announces it, and time tells what comes of it.

It arrives, a bridge or a Safe fails, or no block ever takes it in: the payment's fault decides.
"""

from functools import partial
from typing import Any

from sqlalchemy import select

from .. import clock
from ..kit import Refused, submit
from ..kit.fields import Words, must
from ..models import Payment, db
from . import provider, receive, rules
from .page_calls import page_calls, payable, payable_with
from .transfers import HASH, missing, transfer, ulid

#: Of the faults that this provider has of its own: what comes of the transaction.
FATES = {"transfer_fails": "fails", "never_mined": "lost"}

HASH_OF_64 = must(lambda it: isinstance(it, str) and HASH.fullmatch(it), "Invalid transaction hash")
INTENT = {
    "chain!": rules.REQUIRED,
    "token!": rules.REQUIRED,
    "txHash": HASH_OF_64,
    "safeTxHash": HASH_OF_64,
    "safePaymentDeadline": must(
        lambda it: type(it) is int and 0 < it < 2**53, "Expected Unix seconds"
    ),
    "payerAddress": rules.ADDRESS_OF_EVM,
    "payerEoaAddress": rules.ADDRESS_OF_EVM,
    **dict.fromkeys(
        (
            "executionKind",
            "sourceNetwork",
            "sourceToken",
            "sourceAmount",
            "routeKind",
            "bridgeTool",
        ),
        rules.TEXT,
    ),
}


@page_calls.post("/<token>/intent")
def announce_transaction(token: str) -> Any:
    """The page says which transaction it sent: ``txHash``, or ``safeTxHash`` that a Safe must sign.

    It is taken to pay all that is missing. Announced again, it is answered as before.
    Errors: 400, 401, 403, 404, 409 completed, or another transaction is on its way.
    """
    payment = payable(token, while_signed=True)
    given = rules.payload_sent()
    rules.refuse(Words().problems(given, INTENT))
    kind = _which_hash(given)
    chain, coin = payable_with(payment, given["chain"], given["token"])
    sent = given[kind].lower()
    announced = payment.details["announced"]
    if sent not in announced:
        if payment.details["coming"]:
            raise Refused(409, "Another transaction is on its way")
        if _belongs_to_another(sent):
            raise Refused(409, "This transaction pays another secure payment")
        intent_id = ulid()
        paying = transfer(chain, coin, missing(payment), "later" if kind == "txHash" else "safe")
        paying |= {kind: sent, "payer": given.get("payerAddress", paying["payer"])}
        paying["deadline"] = given.get("safePaymentDeadline", paying["deadline"])
        payment.details["announced"] = announced | {sent: intent_id}
        submit(payment, read=partial(on_its_way, paying=paying), settle=settle)
    reply = {
        "intentId": payment.details["announced"][sent],
        "paymentReference": payment.details["requests"][0]["paymentReference"],
        kind: given[kind],
        "isListening": True,
    }
    return reply | {name: given[name] for name in ("payerAddress",) if name in given}


def _which_hash(given: dict[str, Any]) -> str:
    """:raise Refused: 400: none, or both; or a Safe's deadline where no Safe pays."""
    named = [name for name in ("txHash", "safeTxHash") if name in given]
    if not named:
        rules.refuse([(("txHash",), "txHash or safeTxHash is required")])
    if len(named) > 1:
        rules.refuse([(("safeTxHash",), "txHash and safeTxHash exclude each other")])
    if named == ["txHash"] and "safePaymentDeadline" in given:
        rules.refuse([(("safePaymentDeadline",), "Only with safeTxHash")])
    return named[0]


def _belongs_to_another(sent: str) -> bool:
    """One transaction pays one link."""
    announced = Payment.details[("announced", sent)].as_string()
    which = select(Payment.id).where(Payment.provider == provider.name, announced.is_not(None))
    return db.session.scalar(which) is not None


def on_its_way(payment: Payment, paying: dict[str, Any]) -> dict[str, str]:
    """The wallet has sent it. There is nothing to be wrong about."""
    payment.details["coming"], payment.details["approved"] = paying, None
    return {}


def settle(payment: Payment) -> None:
    """What is on its way arrives or fails now, or a while later; a fault decides which."""
    coming = payment.details["coming"]
    fate = FATES.get(payment.fault)
    if fate is None and coming["settles"] in ("now", "never"):
        receive(payment, coming)
        return
    payment.details["coming"] = coming | {"fate": fate or coming["fate"]}
    payment.timer = clock.now() + provider.settings.sandbox_delay_seconds
