"""``create_app()``: where the parts of the sandbox are put together.

Run it with one process, since its threads and its clock belong to that process::

    gunicorn --workers 1 --threads 8 --bind 127.0.0.1:5001 "sandbox.app:create_app()"
"""

from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from babel.numbers import format_currency
from flask import Flask, abort, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.engine import make_url
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from . import clock, config, deliveries, front
from .background import Background
from .kit import digits
from .models import Control, db, prepare
from .registry import PROVIDERS
from .settings import Settings, SettingsError
from .settings import settings as current_settings


def create_app(settings: Settings | None = None) -> Flask:
    """The sandbox, ready to serve; its threads run unless ``SANDBOX_DELIVER`` is off.

    :raise SettingsError: settings make no sense, or the environment is live.
    """
    settings = settings or config.load()
    if settings.payment_environment == "live":
        raise SettingsError(
            "PAYMENT_ENVIRONMENT is live: the sandbox imitates providers and must not run beside "
            "real money. Stop it, or set PAYMENT_ENVIRONMENT=sandbox."
        )
    app = Flask(__name__)
    app.config["SANDBOX"] = settings
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.sandbox_database_url
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000  # bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]  # keys in the documented order
    app.url_map.strict_slashes = False
    app.jinja_env.filters["money"] = money
    app.before_request(_serve_only_this_machine)
    app.after_request(_add_security_headers)
    app.register_blueprint(front.bp)
    for provider in PROVIDERS.values():
        for blueprint in provider.blueprints:
            app.register_blueprint(blueprint)
    for status in (404, 405):
        app.register_error_handler(status, _answer_unknown_path)
    app.extensions["providers"] = PROVIDERS

    _open_database(app, settings)
    background = Background(app)
    app.extensions["background"] = background
    if settings.sandbox_deliver:
        background.start()
    return app


def money(minor: int, currency: str) -> str:
    """An amount for people: ``4999, "USD"`` is "$49.99"."""
    exact = Decimal(minor).scaleb(-digits(currency))
    return format_currency(exact, currency, locale="en_US", decimal_quantization=False)


def _answer_unknown_path(error: HTTPException) -> ResponseReturnValue:
    """Under a provider's prefix, in the way that this provider answers errors."""
    provider = PROVIDERS.get(request.path.split("/")[1])
    if provider is None or request.routing_exception is None:
        return error
    return provider.answer_refused(provider.refused(404))


def _open_database(app: Flask, settings: Settings) -> None:
    """Make the file and the tables when missing; start the clock at the speed of the settings."""
    Path(make_url(settings.sandbox_database_url).database or "").parent.mkdir(
        parents=True, exist_ok=True
    )
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)
        db.create_all()
        if db.session.get(Control, 1) is None:
            db.session.add(Control(id=1, clock_speed=0, clock_since=0))
        clock.set_speed(settings.sandbox_clock_speed)
        deliveries.recover()
        db.session.commit()


#: A proxy sends one of these, and then the client may be anywhere.
PROXY_HEADERS = (
    *("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP"),
    *("True-Client-IP", "CF-Connecting-IP", "X-Forwarded-Host", "X-Forwarded-Proto", "Via"),
)


def _serve_only_this_machine() -> None:
    """:raise 400: another name than ours, as a foreign page could give itself (DNS rebinding).
    :raise 403: the client is on another machine, or behind a proxy.
    """
    # By hand: Werkzeug's TRUSTED_HOSTS takes no IPv6 address.
    names = {
        urlsplit(url).hostname for url in (f"//{request.host}", current_settings().sandbox_url)
    }
    if len(names) > 1:
        abort(400)
    if not _is_own_machine() or any(name in request.headers for name in PROXY_HEADERS):
        abort(403)


def _is_own_machine() -> bool:
    """127.0.0.0/8, ::1, and ::ffff:127.0.0.1 as IPv6 sockets report the former."""
    try:
        address = ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _add_security_headers(response: Response) -> Response:
    """No scripts, nothing from elsewhere, nothing kept.

    Browsers apply ``form-action`` to the redirect after a form, too: a hosted page names the shop's
    origin in ``g.form_target``. A page that stands in a frame of the shop's names it in
    ``g.framed_by``, and may run the script that tells the shop what comes of it.
    ``same-origin`` keeps the Origin header on the sandbox's own forms.
    """
    form_target, framed_by = g.get("form_target", ""), g.get("framed_by", "'none'")
    script = "script-src 'self'; " if "framed_by" in g else ""
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {script}style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors {framed_by}; form-action 'self' {form_target}".strip()
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response
