"""The two gateways behind WiPay's page: their test cards, and how their messages begin.

Test cards, passwords and messages are those of the PDF "Payments API Documentation" v1.0.8.
"""

from dataclasses import dataclass

from ..kit.cards import Card
from ..models import Payment

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


@dataclass(frozen=True)
class Gateway:
    cards: tuple[Card, ...]
    approves_others: bool  # numbers that are not listed
    approved: str
    declined: str
    not_authenticated: str  # a wrong 3-D Secure password


FAC = Gateway(
    cards=tuple(
        Card(number, number, network, sentence, succeeds=sentence == "Approved.")
        for *numbers, sentence in LISTED
        for number, network in zip(numbers, NETWORKS, strict=True)
    ),
    approves_others=True,
    approved="1-R1",
    declined="[2-R2]: Transaction is declined.",
    not_authenticated="[3-RA9]: 3DS authentication failed.",
)
FGB = Gateway(
    cards=tuple(
        Card(number, number, network, sentence, three_d_secure="3-D" in sentence)
        for number, network, sentence in (
            ("5210000010001001", "Mastercard", "Approved after 3-D Secure."),
            ("5204740000002711", "Mastercard", "Approved."),
            ("4035874000424977", "Visa", "Approved after 3-D Secure."),
            ("4265880000000007", "Visa", "Approved."),
        )
    ),
    approves_others=False,
    approved="Y-R00",
    declined="[N-R05]: Transaction is declined.",
    not_authenticated="[N-R5101]: 3D Secure authentication failed. Wrong password entered, "
    "authentication failed.",
)


def gateway_of(payment: Payment) -> Gateway:
    """By the country that the request named: Jamaica has one of its own."""
    return FGB if payment.details["form"]["country_code"] == "JM" else FAC
