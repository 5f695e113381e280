"""Request Network's pages once they are made: asked about before a shopper goes back.

Documentation (docs.request.network, read 2026-02 to 2026-09): api-reference/secure-payments.
"""

from typing import Literal

from ..contract import PaymentRequest, Urls
from ..http import failure
from .api import ERRORS, Account, send

#: ``GET /v2/secure-payments/{token}``: what its HTTP status says about the page.
PAGES: dict[int, Literal["open", "closed", "done"]] = {
    200: "open",
    403: "closed",  # expired, or cannot be paid for another reason
    404: "closed",  # unknown
    409: "done",  # already completed
    423: "done",  # a Safe wallet's owners are signing: no one else may pay meanwhile
}


def resume_checkout(
    account: Account, payment: PaymentRequest, urls: Urls
) -> Literal["open", "closed", "done"]:
    """``GET /v2/secure-payments/{token}``: see :data:`PAGES`.

    The reference wants a Client ID for this call, older pages show it with an API key: a
    refused key says nothing about the page, which may be open.

    :raise ProviderError: no usable answer.
    """
    if payment.page_token is None:
        return "open"
    reply, words = send(account, "GET", f"/v2/secure-payments/{payment.page_token}")
    if reply.status in PAGES:
        return PAGES[reply.status]
    if reply.status == 401 and account.api_key:
        return "open"
    raise failure(reply, ERRORS, words)
