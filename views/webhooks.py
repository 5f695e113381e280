"""Webhooks: verify, record, apply, acknowledge; in that order."""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DataError

import jobs
import payments
from ops.clients import client_address
from ops.limits import may_record_refusal
from providers.contract import Malformed, WebhookRefused

bp = Blueprint("webhooks", __name__)

MAX_BODY = 64_000  # bytes; the longest documented event is about 2 kB
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
OURS = re.compile("/+webhooks/")

log = logging.getLogger(__name__)


def take_typed_addresses(wsgi_app: WsgiApp) -> WsgiApp:
    """Middleware: ``/webhooks/acme/`` and ``/webhooks//acme`` are ``/webhooks/acme``.

    People type these into dashboards. A redirect would not do: a sender need not follow it.
    """

    def take(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if OURS.match(path):
            environ["PATH_INFO"] = re.sub("/+", "/", path).rstrip("/")
        return wsgi_app(environ, start_response)

    return take


@bp.post("/webhooks/<provider>")
def receive(provider: str) -> ResponseReturnValue:
    """2xx: the news is on disk, or was before. A refused delivery changes nothing.

    A provider without its settings has no route: there is no secret to check a signature with.
    """
    if provider not in payments.providers():
        abort(404)
    request.max_content_length = MAX_BODY + 1  # Werkzeug truncates; one extra byte shows it
    body = request.get_data()  # the raw bytes, before anything parses them
    if len(body) > MAX_BODY:
        abort(413)
    try:
        headers = {name.lower(): value for name, value in request.headers}
        received = payments.receive(provider, headers, body)
    except DataError:
        return _refuse(provider, Malformed("contains a value that the database cannot store"))
    except WebhookRefused as refused:
        return _refuse(provider, refused)
    if received.verdict == "applied":
        jobs.wake_fulfilment()
    for payment_id, pause in received.checks:
        jobs.wake_check(payment_id, pause.total_seconds())
    return "ok"


def _refuse(provider: str, refused: WebhookRefused) -> ResponseReturnValue:
    """Log and store the refusal, within a rate limit; answer with an empty body."""
    if may_record_refusal(provider):
        reason = f"{type(refused).__name__}: {refused}"
        log.warning("%s webhook refused from %s: %s", provider, client_address(request), reason)
        payments.record_refusal(provider, reason)
    return "", refused.http_status
