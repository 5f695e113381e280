"""Ask a provider for a page, check where it leads, store it."""

import logging
import re
from typing import Any

from config import origin
from database import transaction, update_one
from models import Payment, PaymentPart
from providers.contract import (
    Checkout,
    Configured,
    Embed,
    FormPost,
    PaymentRequest,
    Qr,
    Redirect,
    ReferenceTaken,
    Rejected,
    Unreachable,
    Urls,
)
from providers.optional import Subscribes

from .gateway import settings, urls_for
from .inbox import apply_parked
from .ladder import climb
from .matching import claim_reference
from .pings import settle_early_pings

#: No spaces, no control characters: browsers and parsers differ in what they make of those.
PLAIN_URL = re.compile(r"[!-~]+", re.ASCII)

log = logging.getLogger(__name__)


def ask_for_page(order_id: str, configured: Configured, request: PaymentRequest) -> None:
    """Call the provider, outside any transaction, and store what it answers.

    :raise ProviderError: no page.
    """
    urls = urls_for(order_id, configured.capabilities.name)
    try:
        checkout = _start(configured, request, urls)
    except Rejected as error:
        log.error("payment %s: %s", request.reference, error)
        code = "reference_taken" if isinstance(error, ReferenceTaken) else "rejected"
        close_attempt(request.reference, "failed", code, str(error))
        raise
    except BaseException as error:
        # The provider may have created it. Keep the attempt open; a retry sends the same reference.
        if isinstance(error, Unreachable):
            log.warning("payment %s: %s", request.reference, error)
        with transaction():
            update_one(Payment, Payment.id == request.reference, page_asked_at=None)
        raise
    record_page(request.reference, configured, checkout)


def _start(configured: Configured, request: PaymentRequest, urls: Urls) -> Checkout:
    """:raise Rejected: it is a subscription, and this provider offers none."""
    if not request.every_days:
        return configured.module.start_checkout(configured.account, request, urls)
    if not isinstance(configured.module, Subscribes):
        raise Rejected(f"{configured.capabilities.label} offers no subscriptions")
    return configured.module.start_subscription(configured.account, request, urls)


def record_page(payment_id: str, configured: Configured, checkout: Checkout) -> None:
    """Store what the provider answered, and apply news that overtook the answer.

    :raise Rejected: the page is not the provider's, or the reference is another payment's.
    """
    url, reference = checkout.next_action.url, checkout.provider_reference
    known = configured.capabilities.page_origins
    words = None
    with transaction() as session:
        payment = session.get_one(Payment, payment_id, with_for_update=True)
        if payment.page_url:
            # Another press of the button got a page first; this one is never shown.
            log.warning("payment %s: has a page already", payment_id)
            return
        if reference and not claim_reference(payment_id, reference):
            words = f"answered with {reference!r}, a second payment under our reference"
        elif origin(url) not in known or not PLAIN_URL.fullmatch(url):
            words = f"sent the shopper to {origin(url)[:100]!r}, which is none of {known}"
        else:
            _store(payment, checkout, known)
            session.flush()
        apply_parked(payment)
    if words:
        log.error("%s payment %s: %s", configured.capabilities.name, payment_id, words)
        close_attempt(payment_id, "failed", "foreign_page", words)
        raise Rejected(words)
    if reference:  # committed: a ping that came before the commit is found, a later one finds it
        settle_early_pings(configured.capabilities.name, reference)


def _store(payment: Payment, checkout: Checkout, known: tuple[str, ...]) -> None:
    payment.page_url, payment.page_token = checkout.next_action.url, checkout.page_token
    payment.provider_state = payment.provider_state or checkout.provider_state  # or news was faster
    payment.next_action = _as_stored(checkout.next_action, known)
    payment.abandoned = False  # a concurrent press may have marked it; it is the current page again
    if isinstance(checkout.next_action, Qr):
        payment.page_expires_at = checkout.next_action.expires_at
    if not payment.parts and len(checkout.parts) > 1:
        payment.parts = [
            PaymentPart(
                position=position,
                provider=payment.provider,
                provider_reference=part.provider_reference,
                amount=part.amount,
            )
            for position, part in enumerate(checkout.parts)
        ]


def _as_stored(
    next_action: Redirect | FormPost | Embed | Qr, known: tuple[str, ...]
) -> dict[str, Any] | None:
    """The next action as ``Payment.next_action`` keeps it."""
    match next_action:
        case Redirect(qr_image=image):
            own = image and origin(image) in known
            return {"kind": "redirect", "qr_image": image} if own else None
        case FormPost(fields=fields):
            return {"kind": "form", "fields": fields}
        case Embed(script=script, options=options):
            return {"kind": "embed", "script": script, "options": dict(options)}
        case Qr(payload=payload):
            return {"kind": "qr", "payload": payload}


def close_attempt(payment_id: str, status: str, code: str, words: str) -> None:
    """This attempt takes no money: ``status`` with our own ``code``, and the provider's words."""
    words = settings().mask(words)  # error messages may quote our key
    over = {"next_check_at": None} if status == "failed" else {}
    with transaction():
        climb(payment_id, status, failure_code=code, failure_message=words, **over)
