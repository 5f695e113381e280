"""WiPay's hosted page: card network, card, address, 3-D Secure, and the way back.

The same page takes a card that is to be saved; a saved card that is charged only needs a nod.

Test cards and the 3-D Secure passwords are those of the PDF "Payments API Documentation" v1.0.8.
The page's look is not documented. Nothing here needs JavaScript.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from . import faults
from .background import commit
from .kit.cards import read_expiry
from .models import Payment
from .old import settings
from .wipay import (
    expire,
    final_total,
    find,
    finish,
    major,
    masked,
    page_url,
    returning,
    succeed,
)
from .wipay_cards import keep

Answer = str | Response | tuple[str, int]


@dataclass(frozen=True)
class Card:
    """A listed number. Any expiry, any three digits behind it."""

    number: str
    network: str
    sentence: str
    succeeds: bool = False


CARDS = (
    Card("4111111111111111", "Visa", "Approved.", True),
    Card("5111111111111111", "Mastercard", "Approved.", True),
    Card("4111111111113333", "Visa", "Declined, 05."),
    Card("5111111111113333", "Mastercard", "Declined, 05."),
    Card("4111111111119999", "Visa", "Declined, 98."),
    Card("5111111111119999", "Mastercard", "Declined, 98."),
    Card("4111111111110000", "Visa", "Declined, 91."),
    Card("5111111111110000", "Mastercard", "Declined, 91."),
    Card("4666666666662222", "Visa", "Declined, 05; the security code does not match."),
    Card("5555666666662222", "Mastercard", "Declined, 05; the security code does not match."),
)
DECLINED = {card.number for card in CARDS if not card.succeeds}

#: Network -> what its numbers begin with, and the password of its 3-D Secure page.
NETWORKS = {"Visa": (("4",), "Secret!33"), "Mastercard": (("2", "5"), "Secret!23")}

#: Fields of the billing address, in the order in which the return shows them.
ADDRESS = ("addr1", "city", "state", "zipcode", "country")

bp = Blueprint("wipay_page", __name__, url_prefix="/wipay/checkout")


@bp.get("/payment")
def show() -> Answer:
    """The card form; the challenge or the end once the payment has got that far.

    ``&fill=<number>`` fills in a test card.

    :raise 404: ``_data`` names no payment.
    """
    payment = _payment()
    match payment.details["step"]:
        case "form":
            return _form(payment, _filled(request.args.get("fill")))
        case "challenge":
            return _page("challenge.html", payment)
    return _page("result.html", payment)


@bp.post("/payment")
def pay() -> Answer:
    """Take the card form; ``fault`` and ``delivery_fault`` are the sandbox's own fields."""
    payment = _payment()
    if payment.details["step"] != "form":
        return _onward(payment)
    faults.choose(payment)
    if payment.fault == "expire":
        expire(payment)
        commit()
        return _onward(payment)
    if not payment.details["uses_saved_card"]:
        errors = _errors(request.form) | (
            _address_errors(request.form) if payment.details["avs"] else {}
        )
        if errors:
            commit()
            return _form(payment, request.form, errors), 422
        _take_card(payment, request.form)
    if payment.fault == "decline":
        payment.details["declined"] = True
    if payment.fault == "pay_late":
        expire(payment, succeeds_late=not payment.details["saves_card"])
    elif payment.fault == "three_d_secure":
        payment.details["step"] = "challenge"
    else:
        _settle(payment)
    commit()
    return _onward(payment)


@bp.post("/challenge")
def answer_challenge() -> Answer:
    """The right ``password`` goes on; any other ends the payment, as documented."""
    payment = _payment()
    if payment.details["step"] == "challenge":
        _, password = NETWORKS[payment.details["network"]]
        if request.form.get("password") == password:
            _settle(payment)
        else:
            finish(payment, "failed", "[3-RA9]: 3DS authentication failed.")
        commit()
    return _onward(payment)


def _payment() -> Payment:
    return find(request.args.get("_data", "")) or abort(404)


def _take_card(payment: Payment, form: Mapping[str, str]) -> None:
    """What may be kept of it: the number and the security code go no further than here."""
    number, details = _digits(form), payment.details
    details["network"] = form["network"]
    details["card"] = masked(number[-4:])
    details["expiry"] = read_expiry(form["expiry"])
    details["holder"] = form["holder"].strip()
    details["declined"] = number in DECLINED
    if details["avs"]:
        line1, city, state, zipcode, country = (form.get(name, "").strip() for name in ADDRESS)
        details["address"] = f"{line1}, {city}, {f'{state} {zipcode}'.strip()}, {country}"


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
        return redirect(page_url(payment), 303)
    return redirect(returning(payment), 303)


def _digits(form: Mapping[str, str]) -> str:
    return re.sub(r"[\s-]", "", form.get("number", ""))


def _errors(form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the card as typed; Luhn's rule is not asked: most test cards break it."""
    number, network = _digits(form), form.get("network", "")
    beginnings, _ = NETWORKS.get(network, (("",), ""))
    errors = {}
    if network not in NETWORKS:
        errors["network"] = "Choose the network of your card."
    if not re.fullmatch(r"[0-9]{16}", number):
        errors["number"] = "Enter the 16 digits on the front of the card."
    elif not number.startswith(beginnings):
        errors["number"] = f"This is not the number of a {network} card."
    if read_expiry(form.get("expiry", "")) is None:
        errors["expiry"] = "Enter month and year, like 04/30."
    if not re.fullmatch(r"[0-9]{3}", form.get("cvv", "").strip()):
        errors["cvv"] = "Enter the 3 digits on the back."
    if not form.get("holder", "").strip():
        errors["holder"] = "Enter the name on the card."
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
    if card is None:
        return {}
    grouped = " ".join(re.findall("....", card.number))
    return {
        "network": card.network,
        "number": grouped,
        "expiry": "12/34",
        "cvv": "123",
        "holder": "Mia Potter",
        **dict(
            zip(ADDRESS, ("1 Frederick Street", "Port of Spain", "", "100123", "TT"), strict=True)
        ),
    }


def _form(
    payment: Payment, values: Mapping[str, str], errors: Mapping[str, str] | None = None
) -> str:
    return _page(
        "pay.html",
        payment,
        values=values,
        errors=errors or {},
        networks=NETWORKS,
        cards=CARDS,
        payment_faults=faults.of_kind("payment"),
        delivery_faults=faults.of_kind("delivery"),
    )


def _page(template: str, payment: Payment, **values: Any) -> str:
    """A page of this payment, whose forms may lead to the shop's origin (see ``app.py``)."""
    parts = urlsplit(payment.return_url)
    g.form_target = f"{parts.scheme}://{parts.netloc}"
    _, password = NETWORKS.get(payment.details["network"], ((), ""))
    return render_template(
        f"wipay/{template}",
        payment=payment,
        page=url_for(".show", _data=request.args["_data"]),
        challenge=url_for(".answer_challenge", _data=request.args["_data"]),
        return_url=returning(payment),
        fee=major(final_total(payment) - payment.amount),
        asked=major(payment.amount),
        total=major(final_total(payment)),
        password=password,
        merchant=settings().sandbox_merchant_name,
        **values,
    )
