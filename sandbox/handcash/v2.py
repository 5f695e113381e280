"""HandCash's version 2, which all public demos call: each receiver names the price's currency.

Documentation: docs.handcash.io/docs/create-a-payment-request, the older edition. The webhook is the
same, and so is the request that is made.
"""

from typing import Any

from . import (
    authenticate,
    delete_payment_request,
    list_payment_requests,
    new,
    page_of,
    payload_sent,
    provider,
    retrieve_payment_request,
    rules,
    shown,
)
from .prices import CURRENCIES

INSTRUMENT = "BSV"  # that is paid with; there was no other
RECEIVER = {"currencyCode!": (*CURRENCIES, INSTRUMENT), **rules.RECEIVER}
CREATE = {
    **{name: rule for name, rule in rules.CREATE.items() if name != "instrumentCurrencyCode!"},
    "receivers!": [RECEIVER, rules.RECEIVERS],
}

older = provider.blueprint("v2", "/v2/paymentRequests", login=authenticate)
older.delete("/<reference>")(delete_payment_request)


@older.post("/")
def create_payment_request() -> Any:
    return provider.create(
        lambda: new(as_in_v3(payload_sent()), "denominationCurrencyCode"),
        page_of,
        lambda payment, page: as_in_v2(shown(payment)) | {"paymentRequestUrl": page},
    )


@older.get("/")
def list_requests() -> Any:
    return {"items": [as_in_v2(each) for each in list_payment_requests()["items"]]}


@older.get("/<reference>")
def retrieve_request(reference: str) -> Any:
    return as_in_v2(retrieve_payment_request(reference))


def as_in_v3(payload: dict[str, Any]) -> dict[str, Any]:
    """
    :raise Refused: it breaks a rule, or its receivers name several currencies.
    """
    rules.check(payload, CREATE)
    receivers = [dict(each) for each in payload["receivers"]]
    currencies = [each.pop("currencyCode") for each in receivers]
    for place, currency in enumerate(currencies):
        if currency != currencies[0]:
            raise rules.invalid(f"receivers[{place}].currencyCode", f"must be [{currencies[0]}]")
    priced = {} if currencies[0] == INSTRUMENT else {"denominationCurrencyCode": currencies[0]}
    return payload | {"instrumentCurrencyCode": INSTRUMENT, "receivers": receivers, **priced}


def as_in_v2(made: dict[str, Any]) -> dict[str, Any]:
    currency = made["paymentAmount"]["currencyCode"]
    return made | {"receivers": [each | {"currencyCode": currency} for each in made["receivers"]]}
