"""How Request Network is called: one platform, and what each HTTP status means.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/{authentication,
secure-payments}, and the published OpenAPI file (“the spec”).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contract import Malformed, Rejected
from ..http import Errors, Reply, answer, call, read_object
from ..text import printable
from .coins import currency_of
from .destination import CURRENCY, DESTINATION, EVM_ADDRESS

REFUSED = "Request Network cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = (
    "Request Network is closed in this shop right now. Nothing was charged. Please pay another way."
)
#: api-reference/secure-payments. What is not listed (429, 500 …) is no answer: ``Unreachable``.
ERRORS: Errors = {
    400: (Rejected, REFUSED),  # bad body, or no active destination
    401: (Rejected, CLOSED),  # unauthenticated: our key or Client ID
    403: (Rejected, CLOSED),  # the destination is not the configured one, or Client ID revoked
    404: (Rejected, REFUSED),
}

#: ``subStatus`` of a failed payment; the words for the shopper are ours.
FAILURES = {"insufficient_funds": "There is not enough of the coin in this wallet."}

#: 66 hexadecimal digits wherever they were seen; they travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9]{1,100}", re.ASCII)
#: A ULID, of 26 letters and digits; taken a little wider.
DELIVERY_ID = re.compile(r"[0-9A-Za-z]{1,40}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One platform at Request Network, and the destination of its money.

    :raise ValueError: what does not fit, by the name of its setting.
    """

    base_url: str  # https://api.request.network
    environment: str  # "test" or "live": in the latter, coins of test networks are worth nothing
    origins: tuple[str, ...]  # of the page: https://pay.request.network, https://secure.…
    currencies: tuple[str, ...]  # what the destination's coin counts as: ("USD",) for USDC
    api_key: str = field(repr=False)  # either this,
    client_id: str  # or this, of the kind for a backend: bound to its destination
    webhook_secrets: tuple[str, ...] = field(repr=False)  # one for each registered endpoint
    #: Where the money goes: a destination id; or a payee (0x…) with the ids of the currency that
    #: prices are in and of the coin that is paid; or all blank, where the key has its destination.
    destination_id: str
    payee: str
    invoice_currency: str
    payment_currency: str
    itemized: bool  # ask for each line of an order by a request of its own, all in one link

    def __post_init__(self) -> None:
        if bool(self.api_key) == bool(self.client_id):
            raise ValueError(
                "REQUEST_NETWORK_API_KEY or REQUEST_NETWORK_CLIENT_ID is needed, one of the two"
            )
        if self.destination_id and not DESTINATION.fullmatch(self.destination_id):
            raise ValueError(
                "REQUEST_NETWORK_DESTINATION_ID is not <wallet>@eip155:<chain>#<8 digits>:<token>"
            )
        guide = (self.payee, self.invoice_currency, self.payment_currency)
        if any(guide):
            self._check_payee(*guide)

    def _check_payee(self, payee: str, invoice_currency: str, payment_currency: str) -> None:
        """The form of secure-payment-integration-guide."""
        if not (payee and invoice_currency and payment_currency):
            raise ValueError(
                "REQUEST_NETWORK_PAYEE, REQUEST_NETWORK_INVOICE_CURRENCY and "
                "REQUEST_NETWORK_PAYMENT_CURRENCY go together: set all three, or none"
            )
        if self.destination_id:
            raise ValueError(
                "REQUEST_NETWORK_DESTINATION_ID and REQUEST_NETWORK_PAYEE both say where the money "
                "goes: set one of the two"
            )
        if not re.fullmatch(EVM_ADDRESS, payee):
            raise ValueError("REQUEST_NETWORK_PAYEE is not 0x and 40 hexadecimal digits")
        for name, given in (("INVOICE", invoice_currency), ("PAYMENT", payment_currency)):
            if not CURRENCY.fullmatch(given):
                raise ValueError(f"REQUEST_NETWORK_{name}_CURRENCY is no id such as USDC-base")
        counted_as = currency_of(invoice_currency.partition("-")[0])
        if self.currencies != (counted_as,):
            raise ValueError(
                f"REQUEST_NETWORK_INVOICE_CURRENCY counts as {counted_as}, but "
                f"REQUEST_NETWORK_CURRENCIES is {','.join(self.currencies)}"
            )


def call_api(
    account: Account, method: str, path: str, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One call; what makes something is not retried, since there is no idempotency key.

    :raise ProviderError: see :data:`ERRORS`.
    """
    reply, words = send(account, method, path, payload)
    return answer(reply, ERRORS, words)


def send(
    account: Account, method: str, path: str, payload: dict[str, Any] | None = None
) -> tuple[Reply, str]:
    """The answer of any status, and what to log of it, where that is an error."""
    keys = {"x-client-id": account.client_id}
    if account.api_key:
        keys = {"x-api-key": account.api_key}
    url, may_retry = account.base_url + path, payload is None
    reply = call(method, url, headers=keys, payload=payload, retry=may_retry)
    return reply, f"{method} {path}: {_words(reply)}"


def read_event(headers: Mapping[str, str], body: bytes) -> tuple[dict[str, Any], str]:
    """A webhook's event, with its name in ``event``, and its key.

    :raise Malformed: no object with an event, or no usable delivery id.
    """
    event = read_object(body)
    delivery = headers.get("x-request-network-delivery", "")
    if not DELIVERY_ID.fullmatch(delivery):
        raise Malformed("no usable x-request-network-delivery")
    if not isinstance(event.get("event"), str):
        raise Malformed("no event")
    return event, f"{delivery}:{hashlib.sha256(body).hexdigest()[:32]}"


def usable_id(found: object, problem: type[Exception]) -> str:
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem("no usable request id")
    return found


def _words(reply: Reply) -> str:
    """The three shapes of errors in the spec, on one line.

    ``{"message": "…"}``, ``{"message": [{"path", "message"}]}`` and
    ``{"message": "Validation failed", "errors": [{"field", "message"}]}``.
    """
    data = reply.data if isinstance(reply.data, dict) else {}
    message, errors = data.get("message"), data.get("errors")
    said = [] if isinstance(message, list) else [str(message)]
    for problems in (message, errors):
        for each in problems if isinstance(problems, list) else []:
            if isinstance(each, dict):
                path = each.get("field") or each.get("path") or ""
                where = ".".join(map(str, path)) if isinstance(path, list) else path
                said.append(f"{where}: {each.get('message')}")
    return printable(f"HTTP {reply.status} {'; '.join(said)}")
