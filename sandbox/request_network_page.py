"""Request Network's secure payment page: a wallet, what it pays with, and what came of it.

The real page opens the customer's own wallet; here a pretend one is part of the page. Nothing here
needs JavaScript, and nobody is sent back to the shop: the last screen has a button.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from . import clock, faults
from .background import commit
from .models import Payment
from .old import settings
from .request_network import (
    WALLET,
    by_token,
    expire,
    left,
    minor,
    missing,
    receive,
    transfer,
    ways,
)

Answer = str | Response | tuple[str, int]

#: The others make no sense for a wallet.
PAYMENT_FAULTS = ("none", "close_tab", "expire", "pay_late", "pay_twice")
SETTLES = ("now", "later", "safe", "never")
CROSS_CHAIN_MORE_THAN = 100  # minor units; api-features/crosschain-payments

bp = Blueprint("request_network_page", __name__, url_prefix="/request_network")


@bp.get("/")
def show() -> str:
    """The step that the payment has got to.

    :raise 404: unknown token.
    """
    payment = _payment()
    details = payment.details
    if payment.status in ("completed", "expired") or details["coming"]:
        return _page("result.html", payment)
    if not details["connected"]:
        return _page("connect.html", payment)
    return _page("confirm.html", payment) if details["approved"] else _form(payment, {})


@bp.post("/connect")
def connect() -> Answer:
    """Connect the pretend wallet."""
    payment = _open_payment()
    payment.details["connected"] = True
    return _onward(payment)


@bp.post("/approve")
def approve() -> Answer:
    """``way`` (chain and coin), ``amount`` and ``settles``: what the wallet may pay."""
    payment = _open_payment()
    if payment.details["coming"] or payment.status in ("completed", "expired"):
        return _onward(payment)
    way = request.form.get("way", "")
    amount, settles = request.form.get("amount", "").strip(), request.form.get("settles", "now")
    if errors := _errors(payment, way, amount, settles):
        commit()
        return _form(payment, request.form, errors), 422
    chain, _, coin = way.partition(" ")
    payment.details["approved"] = transfer(chain, coin, minor(amount), settles)
    return _onward(payment)


@bp.post("/change")
def change() -> Answer:
    """Take the approval back, and choose again."""
    payment = _open_payment()
    payment.details["approved"] = None
    return _onward(payment)


@bp.post("/pay")
def pay() -> Answer:
    """Pay what was approved, once."""
    payment = _open_payment()
    details = payment.details
    paid, details["approved"] = details["approved"], None
    if not paid or details["coming"] or payment.status in ("completed", "expired"):
        return _onward(payment)
    if payment.fault == "expire":
        expire(payment)
    elif payment.fault == "pay_late" or paid["settles"] in ("later", "safe"):
        if payment.fault == "pay_late":
            expire(payment)
        details["coming"] = paid
        payment.timer = clock.now() + settings().sandbox_delay_seconds
    else:
        receive(payment, paid)
    return _onward(payment)


def _payment() -> Payment:
    return by_token(request.args.get("token", "")) or abort(404)


def _open_payment() -> Payment:
    """The payment, with the choice made in the drawer."""
    payment = _payment()
    faults.choose(payment)
    return payment


def _errors(payment: Payment, way: str, amount: str, settles: str) -> dict[str, str]:
    """What is wrong, by field."""
    chain, _, coin = way.partition(" ")
    balance = ways(payment).get(chain, {}).get(coin)
    same_chain = chain == payment.details["chain"]
    if balance is None:
        return {"way": "Choose what to pay with."}
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", amount) or not minor(amount):
        return {"amount": "Enter an amount, such as 10.50."}
    if minor(amount) > missing(payment):
        return {"amount": "This is more than what is left to pay."}
    if minor(amount) > balance:
        return {"way": "There is not enough of this coin in the wallet."}
    if not same_chain and minor(amount) <= CROSS_CHAIN_MORE_THAN:
        return {"amount": "From another chain, pay more than 1.00."}
    if settles not in SETTLES or (settles == "never" and same_chain):
        return {"settles": "Only a payment from another chain goes over a bridge."}
    return {}


def _onward(payment: Payment) -> Response:
    """Always to the page itself: it is left by its button only."""
    commit()
    return redirect(url_for(".show", token=payment.details["token"]), 303)


def _form(
    payment: Payment, values: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    options = [
        (f"{chain} {coin}", f"{coin} on {_title(chain)}", balance)
        for chain, coins in ways(payment).items()
        for coin, balance in coins.items()
    ]
    amount = Decimal(missing(payment)).scaleb(-2)
    return _page(
        "pay.html", payment, values=values, errors=errors or {}, options=options, amount=amount
    )


def _title(chain: str) -> str:
    return chain if chain == "BNB" else chain.capitalize()


def _page(template: str, payment: Payment, **values: Any) -> str:
    return render_template(
        f"request_network/{template}",
        payment=payment,
        details=payment.details,
        missing=missing(payment),
        items=[(each["cents"], left(each)) for each in payment.details["requests"]],
        hashes=list(
            dict.fromkeys(
                paid["txHash"] for each in payment.details["requests"] for paid in each["payments"]
            )
        ),
        chain=_title(payment.details["chain"]),
        wallet=f"{WALLET[:6]}…{WALLET[-4:]}",
        merchant=settings().sandbox_merchant_name,
        payment_faults=[each for each in faults.of_kind("payment") if each.key in PAYMENT_FAULTS],
        delivery_faults=[
            each for each in faults.of_kind("delivery") if each.key != "wrong_environment"
        ],
        **values,
    )
