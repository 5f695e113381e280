"""How much Request Network says was paid: a running total in a coin, which may be a part.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/webhooks,
api-features/query-requests.
"""

from dataclasses import replace
from typing import Any

from ..contract import Malformed, News
from ..money import NotMoney
from .api import Account
from .coins import counts_as, minor, readable_minor


def add_total(account: Account, news: News, event: dict[str, Any]) -> News:
    """The news of a webhook with ``totalAmountPaid``; where that is null, it asks for a check.

    :raise Malformed: it is said, and cannot be read.
    """
    currency = counts_as(event.get("currency"), event, account.environment == "live")
    try:
        amount = minor(event.get("totalAmountPaid"), currency or account.currencies[0])
    except NotMoney as error:
        raise Malformed(f"totalAmountPaid: {error}") from error
    if amount is None:
        return replace(news, status=None, check=True)
    return replace(news, amount=amount, currency=currency)


def add_paid(account: Account, news: News, resource: dict[str, Any]) -> News:
    """The news of a request that is paid, in full or in part, with its sum.

    A sum that cannot be read counts as not said: paid in full is what was asked for.
    """
    paid, partly = resource["hasBeenPaid"], resource.get("status") == "partially_paid"
    if paid and partly:
        problem = "Request Network says that a request is paid, and that a part of it is"
        return replace(news, status=None, problem=problem)
    inner = resource.get("conversionBreakdown")
    inner = inner if isinstance(inner, dict) else {}
    price, is_live = resource.get("invoiceCurrency"), account.environment == "live"
    beside = inner.get("paidCurrency") or inner.get("currency") or price
    currency = counts_as(beside, resource, is_live)
    amount = readable_minor(inner.get("paidAmount"), currency or account.currencies[0])
    if paid and amount is None:
        currency = counts_as(price, resource, is_live)
        amount = readable_minor(resource.get("requestAmount"), currency or account.currencies[0])
    if partly and amount is None:
        problem = "Request Network says that a part is paid, and not how much"
        return replace(news, status=None, currency=currency, problem=problem)
    return replace(news, amount=amount, currency=currency)
