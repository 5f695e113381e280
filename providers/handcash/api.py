"""How HandCash is called: one app and who receives its money, and what each HTTP status means."""

import re
from dataclasses import dataclass, field
from typing import Any

from ..contract import PaymentRequest, Rejected
from ..http import Errors, Reply, answer, call, with_id
from ..money import ISO_4217, NotMoney, read, read_currency, to_major
from ..text import printable


class Gone(Rejected):
    """There is no such payment request, or not any more."""


COIN = "BSV"  # that the payer pays with; prices may be in it, too
COIN_DIGITS = 8

REFUSED = "HandCash cannot take this payment. Nothing was charged. Please pay another way."
CLOSED = "HandCash is closed in this shop right now. Nothing was charged. Please pay another way."
#: No error table is published; these are the classes that HandCash's own clients tell apart. What
#: is not listed (500, 503 …) is no answer: ``Unreachable``. How an unknown or deleted request is
#: answered is not documented; 404 and 410 say "gone" in HTTP.
ERRORS: Errors = {
    400: (Rejected, REFUSED),  # validation, in the words of Joi: '"receivers" is required'
    401: (Rejected, CLOSED),  # unauthenticated: our id or secret
    403: (Rejected, CLOSED),  # invalid authentication
    404: (Gone, REFUSED),
    409: (Rejected, REFUSED),  # conflict
    410: (Gone, CLOSED),  # also: this version of the API is gone
    413: (Rejected, REFUSED),  # too large
    450: (Rejected, CLOSED),  # outdated app
}
#: Where nothing but the id can have been wrong.
ERRORS_BY_ID: Errors = {**ERRORS, 400: (Gone, REFUSED)}

#: 24 hexadecimal digits wherever they were seen, 16 in some examples; they travel in our URLs.
SAFE_ID = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
#: 64 hexadecimal digits for a payment on chain; the form for other ways to pay is not documented.
TRANSACTION_ID = re.compile(r"[!-~]{1,64}", re.ASCII)

#: A plain address; it becomes an ``<img>`` of our page.
IMAGE_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]{0,500}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """One app of the HandCash dashboard, and who receives the money."""

    base_url: str  # https://cloud.handcash.io
    origins: tuple[str, ...]  # of the hosted page: https://pay.handcash.io, https://handcash.io
    currencies: tuple[str, ...]  # of prices: any of ISO 4217, and BSV, in which the payer pays
    app_id: str
    app_secrets: tuple[str, ...] = field(repr=False)  # several while rotating: the first is sent
    destination: str  # handle, paymail or business wallet
    minutes: int  # how long a request can be paid


def call_api(
    account: Account, method: str, path: str, payload: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One call below ``/v3/paymentRequests``; only what makes something (POST) is not retried.

    What is public needs no keys, so none are sent. The answer to DELETE is documented to be empty.

    :raise ProviderError: see :data:`ERRORS`.
    """
    keys = {"app-id": account.app_id, "app-secret": next(iter(account.app_secrets), "")}
    headers = None if path.startswith("/public/") else keys
    path = f"/v3/paymentRequests{path}"
    reply = call(
        method, account.base_url + path, headers=headers, payload=payload, retry=method != "POST"
    )
    errors = ERRORS_BY_ID if payload is None else ERRORS
    words = f"{method} {path}: {_words(reply)}"
    return answer(reply, errors, words, may_be_empty=method in ("PUT", "DELETE"))


def fetch_public(account: Account, payment: PaymentRequest) -> dict[str, Any]:
    """The request as anyone may see it.

    :raise Gone: it is not there, or HandCash never told us its id.
    """
    if payment.provider_reference is None:
        raise Gone(f"no payment request is known for {payment.reference}")
    reference = payment.provider_reference
    return with_id(reference, call_api(account, "GET", f"/public/{reference}"))


def json_number(amount: int, currency: str) -> float:
    """4999 US cents as the JSON number 49.99; 2400 as 24.0; of the coin, with eight decimals.

    The one float of the shop, made from a ``Decimal`` only to be printed: ``repr`` prints every
    decimal of up to 15 digits unchanged, a small one as 1e-08.

    :raise Rejected: more digits than that, or finer than the coin divides.
    """
    exact = to_major(amount, currency)
    is_finer = currency == COIN and exact != round(exact, COIN_DIGITS)
    if is_finer or len(exact.normalize().as_tuple().digits) > 15:
        raise Rejected(f"{exact:f} {currency} cannot be written as a price", REFUSED)
    return float(exact)


def usable_id(data: dict[str, Any], name: str, problem: type[Exception]) -> str:
    found = data.get(name)
    if not isinstance(found, str) or not SAFE_ID.fullmatch(found):
        raise problem(f"no usable {name}")
    return found


def read_transaction(data: dict[str, Any]) -> str | None:
    """``transactionId``; None where it is missing, or not usable."""
    found = data.get("transactionId")
    return found if isinstance(found, str) and TRANSACTION_ID.fullmatch(found) else None


def read_price(resource: dict[str, Any], ours: str) -> tuple[int | None, str | None]:
    """What the request is for, where that is said in a currency, or in the coin if ours is.

    ``paymentAmount.currencyCode`` is the price's currency in the examples; the SDK could also mean
    the coin, and an amount of coins says nothing about a price in a currency.
    """
    asked = resource.get("paymentAmount")
    if not isinstance(asked, dict):
        return None, None
    try:
        if read_currency(asked.get("currencyCode")) not in (*ISO_4217, *({COIN} & {ours})):
            return None, None
        amount, currency = read(asked.get("amount"), asked["currencyCode"])
    except NotMoney:
        return None, None
    return (amount, currency) if amount is not None else (None, None)


def read_image(resource: dict[str, Any]) -> str | None:
    """The picture of the page's QR code, for the camera of the wallet."""
    image = resource.get("paymentRequestQrCodeUrl")
    return image if isinstance(image, str) and IMAGE_URL.fullmatch(image) else None


def _words(reply: Reply) -> str:
    """``{"message", "info"}``, as HandCash's clients read it, on one line."""
    data = reply.data if isinstance(reply.data, dict) else {}
    info = f" ({data['info']})" if data.get("info") else ""
    return printable(f"HTTP {reply.status} {data.get('message')}{info}")
