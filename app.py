"""The shop, put together: settings, database, providers, pages."""

import logging
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import urlsplit

import click
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    has_request_context,
    redirect,
    render_template,
    request,
)
from flask_limiter import RateLimitExceeded
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, InternalError, OperationalError
from werkzeug.exceptions import BadRequest, HTTPException, SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

import config
import jobs
import logs
from catalogue import fill_shelf
from database import db, prepare_sqlite
from ops import clients, health, metrics, static_files
from ops.limits import limit_rates, seconds_left
from ops.register_webhook import register_webhook
from providers import configured_providers, money
from views import cards, cart, checkout, console, downloads, orders, reading, shop, till, webhooks

log = logging.getLogger(__name__)


def create_app(settings: config.Settings | None = None) -> Flask:
    """The WSGI application.

    :raise config.SettingsError: a setting is missing or wrong; the text says which.
    """
    settings = settings or config.load()
    logs.configure(settings)
    app = Flask(__name__, static_folder=None)  # see static_files.py
    app.before_request(logs.begin_request)  # first, so that every line of this request has its id
    app.before_request(refuse_foreign_hosts)
    app.after_request(logs.finish_request)
    clients.watch_for_uncounted_proxies(app)
    secure = settings.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SECRET_KEY_FALLBACKS=list(settings.values("secret_key_fallbacks")),
        SQLALCHEMY_DATABASE_URI=settings.database_url.get_secret_value(),
        # Errors quote the statement, not the shopper's data in it.
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True},
        MAX_CONTENT_LENGTH=200_000,
        MAX_FORM_PARTS=100,
        PROVIDE_AUTOMATIC_OPTIONS=False,  # no script of another site may call this shop
        SESSION_COOKIE_NAME="__Host-shop" if secure else "shop",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_SAMESITE="Lax",  # the shopper comes back by a cross-site GET
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session; a shopper may take the evening
        WTF_CSRF_SSL_STRICT=False,  # Referer is often stripped; refuse_foreign_forms reads Origin
    )
    app.extensions["settings"] = settings
    app.extensions["providers"] = configured_providers(settings)
    app.extensions["queue"] = jobs.create_queue(app, settings.jobs_url.get_secret_value())

    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            prepare_sqlite(db.engine)
    Migrate(app, db, render_as_batch=True)
    csrf = CSRFProtect(app)
    blueprints = (shop, cart, checkout, orders, downloads, reading, cards, webhooks, console, till)
    for module in blueprints:
        app.register_blueprint(module.bp)
    csrf.exempt(webhooks.bp)  # and only that: a provider's proof is its signature
    limit_rates(app, settings)

    app.wsgi_app = webhooks.take_typed_addresses(app.wsgi_app)  # type: ignore[assignment,method-assign]
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        # Addresses are read by clients.py.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=count, x_host=0)  # type: ignore[method-assign]
    app.before_request(redirect_localhost)
    app.before_request(refuse_foreign_forms)
    app.before_request(cart.take_out_paid_orders)
    app.after_request(add_security_headers)
    app.after_request(release_connection)
    app.after_request(static_files.compress)
    app.context_processor(template_names)
    app.add_template_global(static_files.static_url)
    app.add_template_global(static_files.picture_url)
    app.add_template_filter(money.show, "money")
    app.add_template_filter(when)
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(OperationalError, database_is_busy)
    app.register_error_handler(InternalError, database_is_busy)  # PostgreSQL: it is read-only
    app.register_error_handler(DataError, reject_unstorable_value)
    app.add_url_rule("/static/<version>/<path:filename>", "static", static_files.static_file)
    app.add_url_rule("/healthz", "healthz", health.healthz)
    app.add_url_rule("/readyz", "readyz", health.readyz)
    app.add_url_rule("/metrics", "metrics", metrics.show)
    app.cli.add_command(worker)
    app.cli.add_command(fill)
    app.cli.add_command(register_webhook)
    return app


def refuse_foreign_hosts() -> None:
    """By hand: Werkzeug's TRUSTED_HOSTS takes no IPv6 address.

    :raise SecurityError: a name that is not ours, from which addresses in pages would be made.
    """
    settings = current_app.extensions["settings"]
    ours = {urlsplit(settings.base_url).hostname}
    if settings.environment == "sandbox":
        ours.add("localhost")
    if urlsplit(f"//{request.host}").hostname not in ours:
        raise SecurityError(f"Host {request.host!r} is not trusted.")


def redirect_localhost() -> AnyResponse | None:
    """``localhost`` and ``127.0.0.1`` have separate cookies: a cart would be lost in between."""
    base = current_app.extensions["settings"].base_url
    if request.host != urlsplit(base).netloc and request.host.partition(":")[0] == "localhost":
        return redirect(base + request.full_path.rstrip("?"), code=307)
    return None


def refuse_foreign_forms() -> None:
    """A second check beside the token: browsers name the site that a form was sent from.

    :raise 400: that site is not ours. Webhooks are exempt, since no page sends them.
    """
    if request.method != "POST" or request.blueprint == webhooks.bp.name:
        return
    sender = request.headers.get("Origin")
    if sender is not None and not _is_our_origin(sender):
        abort(400)


def _is_our_origin(sender: str) -> bool:
    """Scheme, host and port of BASE_URL, or those that this request came to.

    With an https BASE_URL every page is https, even when no proxy sends ``X-Forwarded-Proto``.
    """
    base = current_app.extensions["settings"].base_url
    scheme = "https" if base.startswith("https://") else request.scheme
    try:
        return _origin(sender) in (_origin(base), _origin(f"{scheme}://{request.host}"))
    except ValueError:  # "http://["
        return False


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host, with the port unless it is the scheme's own.

    :raise ValueError: ``url`` is no address.
    """
    parts = urlsplit(url)
    usual_port = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(usual_port)


def add_security_headers(response: Response) -> Response:
    """No foreign script, style, frame or form target; the providers' pages are the exception."""
    origins = [
        origin
        for each in current_app.extensions["providers"].values()
        for origin in each.capabilities.page_origins
    ]
    response.headers["Content-Security-Policy"] = content_policy(
        tuple(origins), g.get("csp_scripts", ""), g.get("csp_images", "")
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"  # keeps order ids from other sites
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if request.blueprint in ("orders", "downloads", "reading", "cards", "console", "till"):
        response.headers["X-Robots-Tag"] = "noindex"
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static" or "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"  # every page shows the shopper's cart
    return response


@lru_cache(maxsize=100)  # the same for nearly all pages
def content_policy(form_targets: tuple[str, ...], scripts: str, images: str) -> str:
    """The Content-Security-Policy of a page with these foreign origins."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {scripts}".strip(),
            "style-src 'self'",
            f"img-src 'self' data: {images}".strip(),
            "font-src 'self'",
            "connect-src 'self'",
            # Chromium applies this to the 303 that follows a form, too.
            f"form-action 'self' {' '.join(dict.fromkeys(form_targets))}".strip(),
            "base-uri 'none'",
            "frame-ancestors 'none'",
            *([f"frame-src {scripts}"] if scripts else []),
        )
    )


def release_connection(response: Response) -> Response:
    """End the transaction. The response is complete, so an error here is only logged."""
    try:
        db.session.rollback()
    except OperationalError as error:
        log.warning("database: %s", error.orig)
    return response


def template_names() -> dict[str, object]:
    """What every page may use, beside Flask's own names; nothing outside a request, as in mail."""
    if not has_request_context():
        return {}
    return {
        "settings": current_app.extensions["settings"],
        "currency": shop.current_currency(),
        "currencies": shop.CURRENCIES,
        "theme": shop.current_theme(),
        "cart_count": cart.cart_count(),
        "this_page": shop.this_page(),
        "shop_email": parseaddr(current_app.extensions["settings"].mail_from)[1],
    }


def when(moment: datetime) -> str:
    """A UTC time for people: "21 Nov 2026, 04:30 UTC"."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


ERRORS = {
    403: ("This page is not open to you", "It can only be opened from where the shop runs."),
    404: ("There is nothing here", "The address may be mistyped, or the page is gone."),
    410: (
        "This link has been used up",
        "Its file was fetched from enough places, the link is older than a week, or the money went "
        "back. If the file is yours, find your order, and write to us with its number.",
    ),
    413: ("That was too much at once", "Please send less."),
    429: ("Slowly, please", "Too many tries in a short time. Please wait a minute."),
    500: ("Something broke on our side", "Nothing is lost. Please try again in a minute."),
    503: ("The shop is very busy", "Nothing is lost. Please try again in a moment."),
}

STALE_PAGE = (
    "This page was open for too long",
    "Nothing was changed. Please go back, reload the page, and try again.",
)
NO_COOKIES = (
    "This shop needs cookies",
    "Nothing was changed. Your browser sent no cookie, and without one the shop cannot keep your "
    "cart: please allow cookies for this shop, reload the page, and try again.",
)


def show_error(error: HTTPException) -> AnyResponse:
    """A page with a sentence and a link to the shelf. The cause is in the log only."""
    if error.response is not None:
        return error.get_response()
    if isinstance(error, SecurityError):  # a foreign Host: a page would hold addresses made from it
        return Response("Nothing is served under this name.\n", 400, mimetype="text/plain")
    code = error.code or 500
    title, sentence = ERRORS.get(code, ("That did not work", "Please go back and try again."))
    if isinstance(error, CSRFError):
        title, sentence = STALE_PAGE if _has_session_cookie() else NO_COOKIES
    page = render_template("errors/error.html", code=code, title=title, sentence=sentence)
    response = Response(page, code)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    if isinstance(error, RateLimitExceeded):
        response.headers["Retry-After"] = str(seconds_left())
    return response


def _has_session_cookie() -> bool:
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def database_is_busy(error: OperationalError | InternalError) -> AnyResponse:
    """The database is locked, read-only or gone: 503, so that a provider delivers again."""
    log.error("database: %s", error.orig)
    db.session.rollback()
    title, sentence = ERRORS[503]
    page = render_template("errors/error.html", code=503, title=title, sentence=sentence)
    return Response(page, 503, {"Retry-After": "5"})


def reject_unstorable_value(error: DataError) -> AnyResponse:
    """The database cannot store a NUL, or a number that is too large, so no row has that value."""
    db.session.rollback()
    return show_error(BadRequest())


@click.command("worker")
def worker() -> None:
    """Run the worker: fulfilment, mail, checks of payments. Ends on SIGTERM."""
    jobs.run_worker(current_app._get_current_object())  # type: ignore[attr-defined]


@click.command("fill-shelf")
def fill() -> None:
    """Put the products of catalogue/products.json on the shelf, or bring them up to date."""
    click.echo(f"{fill_shelf()} products on the shelf")
