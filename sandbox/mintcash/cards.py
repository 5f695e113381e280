"""MintCash's test cards: what each does, and how a hosted page reads what was typed.

MintCash says that a card decides the outcome, and its expiry which failure
(docs/get-started/sandbox-vs-live); its own grid could not be read. This is the grid of Corefy, the
provider behind MintCash's sandbox (docs/connectors/test/test-card-numbers.md, 2020): two of the
four numbers were seen in real MintCash webhooks, the rest is an assumption.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..kit import cards, settings_as
from ..kit.cards import Card
from .settings import MintCashSettings

#: Outcomes of a card; any other outcome is a reason from :data:`DECLINES`.
SUCCEEDED, PENDING = "succeeded", "pending"

STAYS_PENDING = "07/77"  # the expiry with which a success card never comes to an end
OTHER_DECLINE = "general_fatal_error"  # a failing card with an expiry that is not listed


#: The numbers that the hosted page takes, with any CVV. Others are refused (an assumption).
CARDS = (
    Card("success", "5519283812030000", "Mastercard", "Succeeds."),
    Card(
        "success_3ds",
        "5123817234060000",
        "Mastercard",
        "Succeeds after 3-D Secure.",
        three_d_secure=True,
    ),
    Card("decline", "4302912837020000", "Visa", "Fails; the expiry says why.", succeeds=False),
    Card(
        "decline_3ds",
        "4412397212080000",
        "Visa",
        "Fails after 3-D Secure; the expiry says why.",
        succeeds=False,
        three_d_secure=True,
    ),
)

#: Expiry of a failing card, the ``failureCode`` it leads to, and how a shopper is told.
DECLINES = (
    ("08/56", "access_denied", "Access to the account was denied."),
    ("07/55", "error", "Something went wrong at the bank."),
    ("06/54", "provider_error", "The payment network reported an error."),
    ("05/53", "unknown", "The bank gave no reason."),
    ("04/52", "duplicated_transaction", "The bank takes this for a payment made before."),
    ("03/51", "auth_fatal_error", "The bank could not check that this is you."),
    (
        "02/50",
        "unable_to_determine_3ds_enrolment",
        "The bank did not say whether the card uses 3-D Secure.",
    ),
    ("01/49", "card_is_3ds_enrolled", "The card demands 3-D Secure."),
    ("12/48", "card_is_not_3ds_enrolled", "The card does not take part in 3-D Secure."),
    ("11/47", "issuer_decline", "The bank that issued the card said no."),
    ("10/46", "client_auth_failed", "The bank could not confirm that this is you."),
    ("09/45", "provider_fatal_error", "The payment network could not take the payment."),
    ("08/44", "invalid_details", "Some of the card details are wrong."),
    ("07/43", "invalid_pin", "The PIN is wrong."),
    ("06/42", "antifraud_error", "The payment was stopped as a precaution against fraud."),
    ("05/41", "invalid_card", "The card is not valid."),
    ("04/40", "fatal_error", "The payment failed for good."),
    ("03/39", "unable_to_reconcile", "The bank could not match the payment."),
    ("02/38", "invalid_amount", "The bank does not accept this amount."),
    ("01/37", "limit_violation", "The card's limit is reached."),
    ("12/36", "functionality_is_not_permitted", "The card does not allow this kind of payment."),
    ("11/35", "invalid_request", "The bank did not understand the payment."),
    ("10/34", "lost_or_stolen_card", "The card was reported lost or stolen."),
    ("09/33", "declined", "The bank declined the payment."),
    ("08/32", "invalid_otp", "The one-time password is wrong."),
    ("07/31", "invalid_3ds_code", "The 3-D Secure code is wrong."),
    ("06/30", "invalid_card_status", "The card is blocked or not active yet."),
    ("05/29", "insufficient_funds", "There is not enough money in the account."),
    ("04/28", "card_expired", "The card has expired."),
    ("03/27", "invalid_cvv", "The security code is wrong."),
    ("02/26", "invalid_pan", "The card number is wrong."),
    ("01/25", "invalid_credentials", "The card details do not belong together."),
)

#: ``failureCode`` -> how a shopper is told, for declines and for what else ends a payment.
REASONS = {code: words for _, code, words in DECLINES} | {
    OTHER_DECLINE: "The bank could not take the payment.",
    "canceled": "The payment was canceled.",
    "expired": "The time to pay has run out.",
}


@dataclass(frozen=True)
class Entered:
    """A card as typed on the page, checked. The number and the CVV go no further than here."""

    card: Card
    expiry: str  # MM/YY

    @property
    def outcome(self) -> str:
        """``succeeded``, ``pending``, or the reason of the decline."""
        if self.card.succeeds:
            return PENDING if self.expiry == STAYS_PENDING else SUCCEEDED
        listed = (code for expiry, code, _ in DECLINES if expiry == self.expiry)
        return next(listed, OTHER_DECLINE)

    def kept(self) -> dict[str, str]:
        """What is stored of a card: never its whole number, never the CVV."""
        number, (month, year) = self.card.number, self.expiry.split("/")
        return {
            "brand": self.card.brand,
            "first6": number[:6],
            "last4": number[-4:],
            "mask": number[:6] + "*" * (len(number) - 10) + number[-4:],
            "expMonth": month,
            "expYear": year,
        }


def read(form: Mapping[str, str], today: date) -> tuple[Entered | None, dict[str, str]]:
    """The card form, or a sentence for each field that is wrong."""
    errors = cards.errors(form, today, code_digits=(3, 4))
    card, expiry = cards.find(CARDS, form), cards.read_expiry(form.get("expiry", ""))
    if card is None:
        errors.setdefault("number", cards.NOT_LISTED)
    elif not card.succeeds and any(expiry == each for each, _, _ in DECLINES):
        errors.pop("expiry", None)  # some of these are over
    if errors or card is None or expiry is None:
        return None, errors
    return Entered(card, expiry), {}


def shown(kept: dict[str, str] | None) -> dict[str, Any] | None:
    """The card in a webhook: as observed in real ones, or as documented.

    docs/concepts/webhooks/payload-reference shows months and years as numbers, ``12`` and ``2030``.
    """
    shape = settings_as(MintCashSettings).sandbox_mintcash_card_shape
    if kept is None or shape == "observed":
        return kept
    return {
        "brand": kept["brand"],
        "last4": kept["last4"],
        "expMonth": int(kept["expMonth"]),
        "expYear": 2000 + int(kept["expYear"]),
    }
