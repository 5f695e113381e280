"""Refunds in the sandbox: the calls that ask for them, and what the providers have refunded."""

import json
import re
from collections.abc import Callable
from typing import Any

from .abilities import REFUND_IN_PARTS, each
from .sandboxed import SANDBOX_URL, ShopAndSandbox

#: The call that asks a provider for a refund.
CALL = re.compile(r"POST /(mintcash/payments/[^/]+|hitpay/v1|wipay/wapi/transactions/[^/]+)/refund")
WHOLE = 12_00  # the e-book

#: The providers that refund in part.
in_parts = each(REFUND_IN_PARTS)


def refund_calls(shop: ShopAndSandbox) -> int:
    """How often a provider was asked for a refund."""
    return sum(bool(CALL.fullmatch(call)) for call in shop.calls)


def answering(status: int, body: dict[str, Any]) -> Callable[[str], Any]:
    """A provider that answers this to each such call, and does nothing."""
    answer = (status, {"Content-Type": "application/json"}, json.dumps(body))
    return lambda call: answer if CALL.fullmatch(call) else None


def nothing(call: str) -> None:
    """The sandbox answers again."""


def refunded_there(shop: ShopAndSandbox) -> int:
    """What the providers have refunded, in minor units."""
    ledger = shop.pages.get("/ledger.json", base_url=SANDBOX_URL).get_json()
    return sum(each["refunded"] for each in ledger["payments"])


def on_the_dashboard(shop: ShopAndSandbox, provider: str, amount: int) -> None:
    """A person refunds on the provider's dashboard, and not here."""
    reference = shop.books.payment.provider_reference
    if provider == "mintcash":
        answer = shop.pages.post(
            f"/mintcash/payments/{reference}/refund",
            base_url=SANDBOX_URL,
            auth=("pk_test_kiln_and_kettle", "sk_test_kiln_and_kettle"),
            json={"externalId": "dashboard", "amount": amount},
        )
    else:
        key = {"X-BUSINESS-API-KEY": "test_kiln_and_kettle"}
        path = f"/hitpay/v1/payment-requests/{reference}"
        shown = shop.pages.get(path, base_url=SANDBOX_URL, headers=key).get_json()
        form = {"payment_id": shown["payments"][0]["id"], "amount": f"{amount / 100:.2f}"}
        answer = shop.pages.post("/hitpay/v1/refund", base_url=SANDBOX_URL, headers=key, data=form)
    assert answer.status_code == 200, answer.text
    shop.deliver()
