"""WiPay's hosted page: card network, card, address, 3-D Secure, and the way back.

The same page takes a card that is to be saved; a saved card that is charged only needs a nod.

The page's look is not documented. Its test cards stand in ``gateways.py``.
"""

import base64
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from .. import kit
from ..kit import Answer, cards, commit, major, submit
from ..kit.cards import read_expiry
from ..models import Payment
from . import ADDRESS, address_of, finish, masked, page_of, provider, returning, succeed
from .cards import keep
from .fees import final_total
from .gateways import NETWORKS, gateway_of


def find(_values: object) -> Payment | None:
    """The payment of a page's ``_data``."""
    try:
        return provider.find(base64.urlsafe_b64decode(request.args.get("_data", "")).decode())
    except ValueError:
        return None


page = provider.pages("/checkout", find)


@page.get("/payment")
def show_page(payment: Payment) -> Answer:
    """The card form; the challenge or the end once the payment has got that far.

    ``&fill=<number>`` fills in a test card.
    """
    match payment.details["step"]:
        case "form":
            values = payment.details["prefilled"] | _filled(payment, request.args.get("fill"))
            return _form(payment, values, {})
        case "challenge":
            return show("challenge.html", payment)
    return show("result.html", payment)


@page.post("/payment")
def pay(payment: Payment) -> Answer:
    """Take the card form; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    is_open = payment.details["step"] == "form"
    if is_open and (errors := submit(payment, read=_read, settle=_settle_card)):
        return _form(payment, request.form, errors), 422
    return _onward(payment)


@page.post("/challenge")
def answer_challenge(payment: Payment) -> Answer:
    """The right ``password`` goes on; any other ends the payment, as documented."""
    if payment.details["step"] == "challenge":
        _, password = NETWORKS[payment.details["network"]]
        if request.form.get("password") == password:
            _settle(payment)
        else:
            finish(payment, "failed", gateway_of(payment).not_authenticated)
        commit()
    return _onward(payment)


def _read(payment: Payment) -> dict[str, str]:
    form, details = request.form, payment.details
    if payment.fault == "pay_late" and details["saves_card"]:
        payment.fault = "expire"  # no money comes late where none is asked for
    if details["uses_saved_card"]:
        return {}
    network = _networks(payment)[0] if details["card_type"] else form.get("network", "")
    errors = _errors(form, network) | (_address_errors(form) if details["avs"] else {})
    if errors:
        return errors
    gateway, number = gateway_of(payment), cards.digits(form)
    listed = cards.find(gateway.cards, form)
    if listed and listed.three_d_secure and payment.fault == "none":
        payment.fault = "three_d_secure"
    details |= {  # what may be kept: number and security code go no further than here
        "network": network,
        "card": masked(number[-4:]),
        "expiry": read_expiry(form["expiry"]),
        "holder": form["holder"].strip(),
        "declined": not (listed.succeeds if listed else gateway.approves_others),
    }
    if details["avs"]:
        details["address"] = address_of(form)
        details["form"]["phone"] = form.get("phone", "").strip() or None
    return {}


def _settle_card(payment: Payment) -> None:
    if payment.fault == "decline":
        payment.details["declined"] = True
    if payment.fault == "three_d_secure":
        payment.details["step"] = "challenge"
    else:
        _settle(payment)


def _settle(payment: Payment) -> None:
    if payment.details["declined"]:
        finish(payment, "failed", gateway_of(payment).declined)
        return
    if payment.details["saves_card"]:
        keep(payment)
    succeed(payment)


def _onward(payment: Payment) -> Response:
    """Where the browser goes next: to the shop once there is a result, else to this page."""
    if payment.status == "incomplete" or payment.fault == "close_tab":
        return redirect(page_of(payment), 303)
    return redirect(returning(payment), 303)


def _networks(payment: Payment) -> tuple[str, ...]:
    """Those to choose from; with ``card_type`` there is no choice."""
    chosen = payment.details["card_type"]
    return tuple(each for each in NETWORKS if chosen in (None, each.lower()))


def _errors(form: Mapping[str, str], network: str) -> dict[str, str]:
    """What is wrong with the card as typed. Most test cards break Luhn's rule, and any expiry and
    number will do.
    """
    number = cards.digits(form)
    beginnings, _ = NETWORKS.get(network, (("",), ""))
    errors = cards.errors(form, date.min)
    errors.pop("number", None)
    if network not in NETWORKS:
        errors["network"] = "Choose the network of your card."
    if not re.fullmatch(r"[0-9]{16}", number):
        errors["number"] = "Enter the 16 digits on the front of the card."
    elif not number.startswith(beginnings):
        errors["number"] = f"This is not the number of a {network} card."
    if "cvv" in errors:
        errors["cvv"] = "Enter the 3 digits on the back."
    return errors


def _address_errors(form: Mapping[str, str]) -> dict[str, str]:
    """The address that AVS compares with the bank's (avs=1); not every one has all of it."""
    return {
        name: "Please fill this in."
        for name in ADDRESS
        if name not in ("addr2", "state") and not form.get(name, "").strip()
    }


def _filled(payment: Payment, number: str | None) -> dict[str, str]:
    """A test card as if it had been typed in; nothing when there is no such card."""
    listed = gateway_of(payment).cards
    card = next((each for each in listed if each.number == number), None)
    address = ("1 Frederick Street", "", "Port of Spain", "", "100123", "TT")
    typed = dict(zip(ADDRESS, address, strict=True)) | payment.details["prefilled"]
    return cards.filled(listed, number) | ({"network": card.brand, **typed} if card else {})


def _form(payment: Payment, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    gateway, networks = gateway_of(payment), _networks(payment)
    return show(
        "pay.html",
        payment,
        values=values,
        errors=errors,
        networks=networks,
        cards=[each for each in gateway.cards if each.brand in networks],
        approves_others=gateway.approves_others,
    )


def show(template: str, payment: Payment, **values: Any) -> str:
    _, password = NETWORKS.get(payment.details["network"], ((), ""))
    return kit.show(
        template,
        payment,
        page=url_for(".show_page", _data=request.args["_data"]),
        challenge=url_for(".answer_challenge", _data=request.args["_data"]),
        return_url=returning(payment),
        fee=major(final_total(payment) - payment.amount),
        asked=major(payment.amount),
        total=major(final_total(payment)),
        password=password,
        **values,
    )
