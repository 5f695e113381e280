"""WiPay's form mode: the shopper's browser sends WiPay the request, and may have changed it.

So news is believed only for what it names itself: total and currency of the transaction, compared
with ours. That needs a total without fees: ``fee_structure`` must be ``merchant_absorb``. The
return's hash covers id and total, but not the currency (49.99 TTD make the same hash as 49.99 USD):
it proves which transaction is ours, and a webhook or WAPI must say what was paid. The same form can
also be sent twice, and each time makes another transaction: only one that took money is ours.

Documentation (docs.wipayfinancial.com, read 2026-11): payments-api/payment-request,
hosted-checkout-flows. A browser is answered with a redirect to the page; a request that WiPay does
not take, with one to ``response_url`` and ``status=error``.
"""

import re
from dataclasses import replace
from typing import Any

from ..contract import Malformed, News, PaymentRequest
from ..money import NotMoney, read
from ..text import printable
from .api import Account


def leaves_by_form(account: Account, payment: PaymentRequest) -> bool:
    """A saved card is always charged by our own call."""
    return account.mode == "form" and not payment.method


def is_about(account: Account, payment: PaymentRequest, transaction_id: str) -> bool:
    """Whether the id names our order: "SB-" in test, 1 to 99, merchant, order, local time."""
    system = "SB-" if account.environment == "sandbox" else ""
    order_id = re.escape(payment.reference)
    documented = rf"{system}[1-9][0-9]?-[0-9]{{1,20}}-{order_id}-[0-9]{{14}}"
    return re.fullmatch(documented, transaction_id, re.ASCII) is not None


def add_what_was_paid(account: Account, news: News, data: dict[str, Any]) -> News:
    """News that money moved, with its sum and our reference; the same in json mode.

    In json mode ``order_id`` is not believed, since we know the transaction's id: anyone may open a
    transaction at WiPay that names our account, our order and one cent, and pay it. News of that is
    correctly signed, and about the wrong money (CVE-2026-9189 was such a shop). In form mode
    ``order_id`` is the only link to our order, so it is believed together with the sum beside it.
    Where the sum is missing, WAPI is asked; without WAPI, a person is told.

    :raise Malformed: a webhook names a sum that is none.
    """
    if account.mode != "form" or news.status not in ("succeeded", "refunded"):
        return news
    is_webhook = news.event_key is not None
    order_id, amount, currency = data.get("order_id"), None, None
    try:
        amount, currency = read(data.get("total"), data.get("currency"))
    except NotMoney as error:
        if is_webhook:
            raise Malformed(f"total: {error}") from error
    reference = printable(order_id, 100) if isinstance(order_id, str) else None
    news = replace(news, reference=reference, amount=amount, currency=currency)
    if amount is not None:
        return news
    if is_webhook and account.wapi_key:
        return replace(news, status=None, check=True)
    problem = f"WiPay says {news.word.removeprefix('GET: ')}, and not how much"
    return replace(news, status=None, problem=problem)
