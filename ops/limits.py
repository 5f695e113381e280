"""Rate limits for checkout, payments, status polls, passwords and guesses of a number or code.

Webhooks are not limited: a flood of forged ones must not keep a correctly signed one out. Only how
many refusals are stored is limited, by :func:`may_record_refusal`.
"""

import logging
import math
import time
from typing import Any

from flask import Flask, current_app, request, session
from flask_limiter import Limiter
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from config import Settings
from ops.clients import client_of

#: Setting -> its default, and that of the sandbox, where all shoppers come from one address. A
#: household or an office behind one address can shop; a list of stolen cards cannot be tried.
DEFAULTS = {
    "checkout_limit": ("30/minute;300/hour", "6000/minute"),
    "attempt_limit": ("10/minute;60/hour", "60/minute"),
    "status_limit": ("3000/minute", "60000/minute"),  # one page asks some 40 times in its first
}
WRONG_PASSWORDS = "10/minute"
WRONG_PAIRS = "10/minute;60/hour"  # of an order's number and address, from one address
WRONG_CODES = "10/minute;60/hour"  # of a gift card, from one address
WRONG_AMOUNTS = "6/hour"  # for one card: what is debited to check it is small, and could be guessed
ID_LENGTH = 32  # of orders and cards; see models.random_id
REFUSALS = parse("60/minute")  # written down, of one provider and process

#: A request waits no longer than this for Redis; then this process counts alone until it answers.
REDIS = {"socket_connect_timeout": 1, "socket_timeout": 1}  # seconds

log = logging.getLogger(__name__)


def limit_rates(app: Flask, settings: Settings) -> None:
    """Put the limits before the views; a request beyond one is answered with 429."""
    url = settings.rate_limit_url.get_secret_value()
    limiter = Limiter(
        _client,
        app=app,
        storage_uri=url,
        storage_options=dict(REDIS) if url.startswith("redis") else {},
        in_memory_fallback_enabled=True,
        key_prefix="shop",
    )
    paying = limiter.shared_limit(limit_of("checkout_limit", settings), scope="pay")
    attempts = limit_of("attempt_limit", settings)
    before = {
        "checkout.submit": (
            paying,
            limiter.limit(attempts, key_func=_session),
            _wrong(limiter, WRONG_CODES, 404),
        ),
        "orders.pay": (paying, limiter.limit(attempts, key_func=_order)),
        "cards.save": (paying,),
        "cards.verify": (_wrong(limiter, WRONG_AMOUNTS, 422, key_func=_card),),
        "orders.find": (_wrong(limiter, WRONG_PAIRS, 404),),
        "orders.status": (limiter.limit(limit_of("status_limit", settings)),),
    }
    for endpoint, limits in before.items():
        view: Any = app.view_functions[endpoint]
        for limit in limits:
            view = limit(view)
        app.view_functions[endpoint] = view
    for name in ("console", "till"):  # one password, so one count of wrong ones
        staff: Any = app.blueprints[name]
        _wrong(limiter, WRONG_PASSWORDS, 401, scope="password")(staff)
    app.extensions["refusals"] = FixedWindowRateLimiter(MemoryStorage())


def _wrong(limiter: Limiter, limit: str, status: int, **options: Any) -> Any:
    """A limit that counts answers of this status only, so a right guess costs nothing."""
    make = limiter.shared_limit if "scope" in options else limiter.limit
    return make(limit, deduct_when=lambda answer: answer.status_code == status, **options)


def limit_of(name: str, settings: Settings) -> str:
    """The limit in Flask-Limiter's notation."""
    usual, sandbox = DEFAULTS[name]
    return getattr(settings, name) or (sandbox if settings.environment == "sandbox" else usual)


def seconds_left() -> int:
    """Seconds until the request that was refused may be sent again."""
    (limiter,) = current_app.extensions["limiter"]
    limit = limiter.current_limit
    return max(1, math.ceil(limit.reset_at - time.time())) if limit else 60


def may_record_refusal(provider: str) -> bool:
    """Whether one more refused delivery is logged and stored: forgeries must not fill the disk."""
    counter: FixedWindowRateLimiter = current_app.extensions["refusals"]
    allowed = counter.hit(REFUSALS, provider)
    if allowed and counter.get_window_stats(REFUSALS, provider).remaining == 0:
        log.warning("%s: no more refusals are written down in this minute", provider)
    return allowed


def _client() -> str:
    return client_of(request)


def _session() -> str:
    """What Flask-WTF puts into every session; the form's check has just seen it."""
    return f"session:{session['csrf_token']}"


def _card() -> str:
    return f"card:{_view_arg('card_id')}"


def _order() -> str:
    return f"order:{_view_arg('order_id')}"


def _view_arg(name: str) -> str:
    """One character longer than any id at most, so a longer text never counts as an id."""
    return str((request.view_args or {})[name])[: ID_LENGTH + 1]
