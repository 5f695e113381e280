"""WiPay's Trusted Cards: a card is typed once on WiPay's page, and kept by WiPay.

Documentation (docs.wipayfinancial.com, read 2026-11): wapi/trusted-cards (v2.0.2), of which
v2.0.0's pages differ in part; hosted-checkout-flows. All of it wants a WAPI key.

WiPay debits a small amount for the check. The shopper reads it from the bank statement and types it
here: that verifies the card, and only then can it be charged (``start_checkout``).
The shopper confirms each charge on a page of WiPay's.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..contract import Rejected, Unreachable
from ..optional import Card, CardPage
from .api import SAFE_ID, Account, call_api, open_page

#: Part of an address that we call, so nothing but a UUID (version 4) will do.
CARD_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
BRANDS = {"visa": "Visa", "mastercard": "Mastercard"}

#: wapi/trusted-cards/verifyTrustedCard: what the message says -> the sentence for the shopper.
NOT_VERIFIED = {
    "amount is incorrect": "This is not the amount that was debited. Please look again.",
    "verification window has expired": "The time to verify this card has passed. "
    "Please delete it, and save it again.",
}
CANNOT_VERIFY = "WiPay cannot verify this card. Please delete it, and save it again."


def card_path(card_id: str) -> str:
    """
    :raise Rejected: no id of WiPay's.
    """
    if not CARD_ID.fullmatch(card_id):
        raise Rejected(f"{card_id[:40]!r} is no card of WiPay's")
    return f"/wapi/trusted-cards/{card_id}"


def charge_path(method: str) -> str:
    """Where a saved card ("card:" and its id) is charged, on a page of its own.

    :raise Rejected: no id of WiPay's.
    """
    return f"{card_path(method.removeprefix('card:'))}/charge"


def save_card(account: Account, return_url: str) -> CardPage:
    """``POST /wapi/trusted-cards``: a hosted page, that debits a small amount in USD.

    :raise ProviderError: there is none.
    """
    form = [("environment", account.environment), ("response_url", return_url)]
    return CardPage(*open_page(account, "/wapi/trusted-cards", form))


def read_card_return(account: Account, args: Mapping[str, str]) -> tuple[str, str] | None:
    """Transaction id and card id of ``status=success``; neither is proven, there is no hash.

    The test system adds the debited ``total``; in live, only the bank statement shows it.
    """
    transaction_id, card_id = args.get("transaction_id", ""), args.get("uuid", "")
    is_one = SAFE_ID.fullmatch(transaction_id) and CARD_ID.fullmatch(card_id)
    return (transaction_id, card_id) if is_one and args.get("status") == "success" else None


def verify_card(account: Account, card_id: str, amount: str) -> None:
    """``POST /wapi/trusted-cards/{uuid}/verify``; a card that is verified already is fine.

    By v2.0.2 a wrong amount deletes the card, by v2.0.0 it does not: fetch the card afterwards.

    :raise Rejected: not that amount, or too late; ``error.shopper`` says which.
    :raise Unreachable: not known.
    """
    try:
        call_api(account, "POST", f"{card_path(card_id)}/verify", [("amount", amount)], retry=False)
    except Rejected as error:
        words = str(error)
        if "already been verified" in words:
            return
        known = (sentence for part, sentence in NOT_VERIFIED.items() if part in words)
        raise Rejected(words, next(known, CANNOT_VERIFY)) from error


def fetch_card(account: Account, card_id: str) -> Card | None:
    """``GET /wapi/trusted-cards/{uuid}``. ``data`` is the card (v2.0.2) or a list of it (v2.0.0).

    :raise ProviderError: not known.
    """
    data = call_api(account, "GET", card_path(card_id)).get("data")
    if data == []:
        return None
    if isinstance(data, list) and len(data) == 1:
        (data,) = data
    if not isinstance(data, dict) or data.get("uuid") != card_id:
        raise Unreachable("GET card: the answer is about another card")
    return Card(card_id, _label(data), data.get("verified") is True, _verify_by(data))


def delete_card(account: Account, card_id: str) -> None:
    """``DELETE /wapi/trusted-cards/{uuid}``; of an unverified one, the small debit is voided.

    :raise ProviderError: it may still be there.
    """
    try:
        call_api(account, "DELETE", card_path(card_id))
    except Rejected as error:
        if "uuid is invalid" not in str(error):  # else it is gone
            raise


def _label(data: dict[str, Any]) -> str:
    """ "Visa ending 1111": enough to tell two cards apart."""
    last = re.search(r"[0-9]{4}\Z", str(data.get("pan")), re.ASCII)
    brand = BRANDS.get(str(data.get("card_type")), "Card")
    return f"{brand} ending {last[0]}" if last else brand


def _verify_by(data: dict[str, Any]) -> datetime | None:
    """ISO 8601 in UTC; null once the card is verified."""
    text = data.get("verify_expiry")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise Unreachable(f"GET card: verify_expiry is {str(text)[:40]!r}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
