"""Request Network's secure payment page: a wallet, what it pays with, and what came of it.

The real page opens the customer's own wallet; here a pretend one is part of the page. The
browser is not sent back to the shop: the last screen has a button.
"""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from .. import faults, kit
from ..kit import Answer, commit, major, minor, submit
from ..models import Payment
from . import by_token, provider
from .coins import ways
from .intents import on_its_way, settle
from .signing import source_cents, to_sign
from .transfers import CROSS_CHAIN_MORE_THAN, WALLET, left, missing, transfer

SETTLES = ("now", "later", "safe", "never")


def find(_values: object) -> Payment | None:
    """The payment of a page's ``token``, with the choice of the drawer when a button is pressed."""
    payment = by_token(request.args.get("token", ""))
    if payment and request.method == "POST":
        faults.choose(payment)
    return payment


page = provider.pages("", find)


@page.get("/")
def show_page(payment: Payment) -> str:
    """The step that the payment has got to."""
    details = payment.details
    if _is_over(payment):
        return show("result.html", payment)
    if not details["connected"]:
        return show("connect.html", payment)
    return _confirm(payment) if details["approved"] else _form(payment, {})


@page.post("/connect")
def connect(payment: Payment) -> Answer:
    """Connect the pretend wallet."""
    payment.details["connected"] = True
    return _onward(payment)


@page.post("/approve")
def approve(payment: Payment) -> Answer:
    """``way`` (chain and coin), ``amount`` and ``settles``: what the wallet may pay."""
    if _is_over(payment):
        return _onward(payment)
    way = request.form.get("way", "")
    amount, settles = request.form.get("amount", "").strip(), request.form.get("settles", "now")
    if errors := _errors(payment, way, amount, settles):
        commit()
        return _form(payment, request.form, errors), 422
    chain, _, coin = way.partition(" ")
    payment.details["approved"] = transfer(chain, coin, minor(amount), settles)
    payment.details["signs"] = to_sign(payment, WALLET, chain, coin, minor(amount))
    return _onward(payment)


@page.post("/change")
def change(payment: Payment) -> Answer:
    """Take the approval back, and choose again."""
    payment.details["approved"] = None
    return _onward(payment)


@page.post("/pay")
def pay(payment: Payment) -> Answer:
    """Pay what was approved, once."""
    if payment.details["approved"] and not _is_over(payment):
        paying = payment.details["approved"]
        submit(payment, read=partial(on_its_way, paying=paying), settle=settle)
    return _onward(payment)


def _is_over(payment: Payment) -> bool:
    """Nothing can be paid now: all of it is paid or on its way, or the page has expired."""
    return payment.status in ("completed", "expired") or bool(payment.details["coming"])


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
    if source_cents(payment, chain, minor(amount)) > balance:
        return {"way": "There is not enough of this coin in the wallet."}
    if not same_chain and minor(amount) <= CROSS_CHAIN_MORE_THAN:
        return {"amount": "From another chain, pay more than 1.00."}
    if settles not in SETTLES or (settles == "never" and same_chain):
        return {"settles": "Only a payment from another chain goes over a bridge."}
    return {}


def _onward(payment: Payment) -> Response:
    """Always to the page itself: it is left by its button only."""
    commit()
    return redirect(url_for(".show_page", token=payment.details["token"]), 303)


def _confirm(payment: Payment) -> str:
    """What is signed is what /pay answers for the route."""
    signs, approved = payment.details["signs"], payment.details["approved"]
    calls = signs.get("transactions") or [
        *signs["ERC20ApprovalTransactions"],
        signs["batchPaymentTransaction"],
    ]
    leaves = source_cents(payment, approved["chain"], approved["cents"])
    return show("confirm.html", payment, calls=calls, leaves=leaves)


def _form(
    payment: Payment, values: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    options = [
        (f"{chain} {coin}", f"{coin} on {_title(chain)}", balance)
        for chain, coins in ways(payment).items()
        for coin, balance in coins.items()
    ]
    amount = major(missing(payment))
    return show(
        "pay.html", payment, values=values, errors=errors or {}, options=options, amount=amount
    )


def _title(chain: str) -> str:
    return chain if chain == "BNB" else chain.capitalize()


def show(template: str, payment: Payment, **values: Any) -> str:
    requests = payment.details["requests"]
    paid = [each["txHash"] for wanted in requests for each in wanted["payments"]]
    return kit.show(
        template,
        payment,
        details=payment.details,
        missing=missing(payment),
        items=[(each["cents"], left(each)) for each in requests],
        hashes=list(dict.fromkeys(paid)),
        chain=_title(payment.details["chain"]),
        wallet=f"{WALLET[:6]}…{WALLET[-4:]}",
        **values,
    )
