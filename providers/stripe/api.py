"""How Stripe is called (docs.stripe.com: api/errors, api/idempotent_requests, api/versioning)."""

from dataclasses import dataclass, field
from typing import Any

from ..contract import PaymentRequest, ReferenceTaken
from ..http import Errors, answer, call, documented, refusals
from ..optional import Refunded, RefundRequest, read_refund
from ..text import printable

VERSION = "2026-06-24.dahlia"  # without it, whichever the account began with
ERRORS: Errors = refusals("Stripe", 400, 401, 402, 403, 404)  # others (409, 429 …): no answer


@dataclass(frozen=True)
class Account:
    base_url: str  # of test and live
    live: bool  # ``livemode`` of its events
    origins: tuple[str, ...]  # of the hosted pages
    currencies: tuple[str, ...]
    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)  # two while one is being rolled


def call_api(account: Account, method: str, path: str, form: Any = None) -> dict[str, Any]:
    """What is made bears our reference as metadata; for a day it is the Idempotency-Key, too."""
    key = {"Idempotency-Key": form["metadata[reference]"]} if form else {}
    headers = {"Stripe-Version": VERSION, **key}
    auth, fields = (account.secret_key, ""), [*(form or {}).items()]
    reply = call(method, account.base_url + path, auth=auth, headers=headers, form=fields)
    kind, said = reply.said("error", "type"), reply.said("error", "message")
    words = printable(f"{method} {path}: HTTP {reply.status} {kind}: {said}")
    if kind == "idempotency_error":  # the key was sent with another form
        raise ReferenceTaken(words)
    return answer(reply, ERRORS, words)


def refund(account: Account, payment: PaymentRequest, refund: RefundRequest) -> Refunded:
    """``POST /v1/refunds`` (api/refunds/create), unless one is ours: keys last for a day."""
    intent, ours = payment.provider_state or "", refund.reference
    form = {"payment_intent": intent, "amount": str(refund.amount), "metadata[reference]": ours}
    there = call_api(account, "GET", f"/v1/refunds?payment_intent={intent}&limit=100")
    with documented("/v1/refunds"):
        found = [e for e in there["data"] if (e["metadata"] or {}).get("reference") == ours]
        made = found[0] if found else call_api(account, "POST", "/v1/refunds", form)
        return read_refund(made, done="succeeded")
