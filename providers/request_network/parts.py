"""Request Network's itemized payments: one request for each line of an order, all in one link.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/secure-payments,
api-features/query-requests.
"""

import time
from dataclasses import replace

from .. import request_network
from ..contract import News, PaymentRequest
from ..proof import by_answer
from .api import Account

MAX_REQUESTS = 200  # in one link, on EVM chains only
PAUSE = 0.2  # seconds between two calls of a row: five a second are allowed


def split(account: Account, payment: PaymentRequest) -> list[int]:
    """What each request asks for, in minor units; one for all, unless the lines make it up.

    A request has no text; only its position says which line it is. ``requestIds`` of the answer
    are as many and presumably in the same order, which is not documented.
    """
    amounts = [line.amount for line in payment.lines]
    on_tron = account.destination_id.startswith("T")  # “not supported for TRON networks”
    if not account.itemized or on_tron or not 1 < len(amounts) <= MAX_REQUESTS:
        return [payment.amount]
    return amounts if min(amounts) > 0 and sum(amounts) == payment.amount else [payment.amount]


def fetch_parts(account: Account, payment: PaymentRequest) -> News:
    """All parts as one sum: it is all here only when each of them is paid.

    :raise ProviderError: no usable answer about one of them.
    """
    found = []
    for number, request_id in enumerate(payment.parts):
        if number:
            time.sleep(PAUSE)
        found.append(request_network.fetch_request(account, request_id))
    paid = sum(each.status == "succeeded" for each in found)
    moved = [each for each in found if each.status != "created"]
    amounts = [each.amount for each in moved if each.amount is not None]
    currencies = sorted({each.currency for each in moved if each.currency})
    all_told = len(amounts) == len(moved)
    news = replace(
        found[0],
        provider_reference=payment.provider_reference or found[0].provider_reference,
        status="succeeded" if paid == len(found) else "partially_paid" if moved else "created",
        word=f"GET: {paid} of {len(found)} paid",
        proof=by_answer("/v2/request of each part"),
        amount=sum(amounts) if moved and all_told else None,
        currency=currencies[0] if currencies else None,
        problem=next((each.problem for each in found if each.problem), None),
    )
    if len(currencies) > 1:
        coins = " and ".join(currencies)
        news = replace(news, problem=f"Request Network says that parts were paid in {coins}")
    elif news.status == "partially_paid" and not all_told and not news.problem:
        news = replace(news, problem="Request Network says that a part is paid, and not how much")
    return replace(news, status=None, amount=None) if news.problem else news
