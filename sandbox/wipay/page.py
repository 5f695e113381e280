"""WiPay's hosted page: card network, card, address, 3-D Secure, and the way back.

The same page takes a card that is to be saved; a saved card that is charged only needs a nod.

Test cards and the 3-D Secure passwords are those of the PDF "Payments API Documentation" v1.0.8.
The page's look is not documented.
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
from ..kit.cards import Card, read_expiry
from ..models import Payment
from . import finish, masked, page_of, provider, returning, succeed
from .cards import keep
from .fees import final_total

#: Network -> what its numbers begin with, and the password of its 3-D Secure page.
NETWORKS = {"Visa": (("4",), "Secret!33"), "Mastercard": (("2", "5"), "Secret!23")}

#: Any expiry, any three digits behind it. Visa's number, Mastercard's, what comes of both.
LISTED = (
    ("4111111111111111", "5111111111111111", "Approved."),
    ("4111111111113333", "5111111111113333", "Declined, 05."),
    ("4111111111119999", "5111111111119999", "Declined, 98."),
    ("4111111111110000", "5111111111110000", "Declined, 91."),
    ("4666666666662222", "5555666666662222", "Declined, 05; the security code does not match."),
)
CARDS = tuple(
    Card(number, number, network, sentence, succeeds=sentence == "Approved.")
    for *numbers, sentence in LISTED
    for number, network in zip(numbers, NETWORKS, strict=True)
)

#: Fields of the billing address, in the order in which the return shows them.
ADDRESS = ("addr1", "city", "state", "zipcode", "country")


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
            return _form(payment, _filled(request.args.get("fill")), {})
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
            finish(payment, "failed", "[3-RA9]: 3DS authentication failed.")
        commit()
    return _onward(payment)


def _read(payment: Payment) -> dict[str, str]:
    form, details = request.form, payment.details
    if payment.fault == "pay_late" and details["saves_card"]:
        payment.fault = "expire"  # no money comes late where none is asked for
    if details["uses_saved_card"]:
        return {}
    errors = _errors(form) | (_address_errors(form) if details["avs"] else {})
    if errors:
        return errors
    number, listed = cards.digits(form), cards.find(CARDS, form)
    details |= {  # what may be kept: number and security code go no further than here
        "network": form["network"],
        "card": masked(number[-4:]),
        "expiry": read_expiry(form["expiry"]),
        "holder": form["holder"].strip(),
        "declined": listed is not None and not listed.succeeds,
    }
    if details["avs"]:
        line1, city, state, zipcode, country = (form.get(name, "").strip() for name in ADDRESS)
        details["address"] = f"{line1}, {city}, {f'{state} {zipcode}'.strip()}, {country}"
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
        finish(payment, "failed", "[2-R2]: Transaction is declined.")
        return
    if payment.details["saves_card"]:
        keep(payment)
    succeed(payment)


def _onward(payment: Payment) -> Response:
    """Where the browser goes next: to the shop once there is a result, else to this page."""
    if payment.status == "incomplete" or payment.fault == "close_tab":
        return redirect(page_of(payment), 303)
    return redirect(returning(payment), 303)


def _errors(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the card as typed. Most test cards break Luhn's rule, and any expiry and
    number will do.
    """
    number, network = cards.digits(form), form.get("network", "")
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
    """The address that AVS compares with the bank's (avs=1); the state is not everywhere."""
    return {
        name: "Please fill this in."
        for name in ADDRESS
        if name != "state" and not form.get(name, "").strip()
    }


def _filled(number: str | None) -> dict[str, str]:
    """A test card as if it had been typed in; nothing when there is no such card."""
    card = next((each for each in CARDS if each.number == number), None)
    address = ("1 Frederick Street", "Port of Spain", "", "100123", "TT")
    rest = {"network": card.brand, **dict(zip(ADDRESS, address, strict=True))} if card else {}
    return cards.filled(CARDS, number) | rest


def _form(payment: Payment, values: Mapping[str, str], errors: Mapping[str, str]) -> str:
    return show("pay.html", payment, values=values, errors=errors, networks=NETWORKS, cards=CARDS)


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
