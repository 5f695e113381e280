"""Headers and cookies: what every answer carries, and what no page contains.

The table of routes is complete: a route without a row fails here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

import config
from app import create_app
from ops.clients import client_of
from ops.static_files import static_version
from tests import mintcash
from tests.conftest import close
from tests.live import LIVE
from tests.shopper import ANN, BASE_URL, Shopper

from .routes import EVERY_METHOD, ROWS
from .shop_with_a_purchase import ShopWithAPurchase, elements

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self' http://127.0.0.1:5001",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def check(answer: TestResponse, cache: str = "no-store") -> None:
    """What every answer of the shop carries, whatever it is about."""
    headers = answer.headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin", "no order id reaches a provider"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == cache
    assert "Access-Control-Allow-Origin" not in headers
    assert "X-Powered-By" not in headers
    for name, value in headers:
        assert value.isprintable(), name


def test_the_table_knows_every_route(app: Flask) -> None:
    """N9."""
    served: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        served.setdefault(rule.rule, set()).update(rule.methods or ())

    assert served == {row.rule: row.answered for row in ROWS}


def test_every_route_and_method_carries_the_headers(purchase: ShopWithAPurchase) -> None:
    """N9, G15, G16, G17, A19: by every method, answered or not."""
    for row in ROWS:
        for method in EVERY_METHOD:
            answer = purchase.shopper.client.open(
                purchase.path(row.path), method=method, base_url=BASE_URL, buffered=True
            )
            assert (answer.status_code != 405) == (method in row.answered), (row.rule, method)
            check(answer, row.cache if method in ("GET", "HEAD") else "no-store")


def test_a_get_is_answered_as_the_table_says(purchase: ShopWithAPurchase) -> None:
    for row in ROWS:
        if "GET" in row.methods:
            answer = purchase.shopper.get(purchase.path(row.path), buffered=True)
            assert answer.status_code == row.status, row.rule


def test_safe_methods_change_nothing(purchase: ShopWithAPurchase) -> None:
    """G2, ASVS 3.5.3. A download is counted; that is what it is for."""
    before = purchase.books.snapshot()

    for row in ROWS:
        if "GET" in row.methods and "downloads" not in row.rule:
            for method in ("GET", "HEAD"):
                purchase.shopper.client.open(
                    purchase.path(row.path), method=method, base_url=BASE_URL, buffered=True
                )

    assert purchase.books.snapshot() == before


@pytest.mark.parametrize("path", ["/nothing", "/orders/0", "/static/nothing", "/downloads/0"])
def test_error_pages_carry_them_too(shopper: Shopper, path: str) -> None:
    """G17."""
    answer = shopper.get(path)

    assert answer.status_code == 404
    check(answer)


def test_an_error_inside_shows_nothing_of_the_inside(
    app: Flask, shopper: Shopper, caplog: pytest.LogCaptureFixture
) -> None:
    """G20: a generic page; what happened stands in the log only."""

    def broken() -> str:
        raise RuntimeError("the password is hunter2")

    app.view_functions["shop.shelf"] = broken
    app.config["PROPAGATE_EXCEPTIONS"] = False

    answer = shopper.get("/")

    assert answer.status_code == 500
    check(answer)
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert "Something broke on our side" in answer.text
    assert "hunter2" in caplog.text


# ------------------------------------------------------------------ what stands in a page


def pages(purchase: ShopWithAPurchase) -> Iterator[tuple[str, str]]:
    for row in ROWS:
        if "GET" in row.methods and row.status == 200 and "<path:" not in row.rule:
            answer = purchase.shopper.get(purchase.path(row.path), buffered=True)
            if answer.mimetype == "text/html":
                yield row.rule, answer.text


def test_no_page_needs_more_than_the_policy_allows(purchase: ShopWithAPurchase) -> None:
    """ASVS 3.4.3: no inline script or style, no handler, no address that runs, nothing foreign."""
    seen = 0
    for rule, text in pages(purchase):
        seen += 1
        for name, attributes, inner in elements(text):
            assert name not in ("style", "iframe", "object", "embed", "base"), rule
            assert not any(each.startswith("on") for each in attributes), (rule, attributes)
            assert "style" not in attributes, (rule, name)
            assert "hx-on" not in " ".join(attributes), rule
            assert not attributes.get("href", "").lower().startswith(("javascript:", "data:")), rule
            if name == "script":
                assert inner.strip() == "", rule
    assert seen >= 10


def test_the_scripts_of_the_checkout_page_are_those_we_know(purchase: ShopWithAPurchase) -> None:
    """PCI DSS 6.4.3 in spirit: an attacker's script could change where the shopper is sent.

    The file itself is pinned by its hash in ``tests/test_docs.py``.
    """
    order = purchase.path("/orders/{order}")
    for path in ("/checkout", "/cart", order):
        found = [
            attributes["src"].removeprefix(f"/static/{static_version()}/")
            for name, attributes, _ in elements(purchase.shopper.get(path).text)
            if name == "script"
        ]
        countdown = ["js/countdown.js"] if path == order else []
        assert found == ["vendor/htmx.min.js", "js/theme.js", "js/errors.js", *countdown]


def test_no_page_takes_a_card(purchase: ShopWithAPurchase) -> None:
    """PCI DSS: no field for a card number, code or expiry anywhere in the shop."""
    for rule, text in pages(purchase):
        for name, attributes, _ in elements(text):
            if name == "input":
                words = " ".join(attributes.values()).lower()
                assert not re.search(r"\b(pan|cvv|cvc|cc-|card.?number|expiry)", words), rule


# ------------------------------------------------------------------ behind TLS


@pytest.fixture
def live(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The shop with real keys at https://shop.example, a proxy in front."""
    app = create_app(
        config.load(
            **LIVE,
            trusted_proxies=1,
            database_url=database_url,
            jobs_url=f"sqlite:///{tmp_path}/jobs.db",
        )
    )
    yield app
    close(app)


def test_behind_tls_browsers_are_told_to_stay_there(live: Flask) -> None:
    """ASVS 3.4.1: a year; also where the proxy says nothing of https, and on error pages."""
    client = live.test_client()

    for path in ("/", "/nothing", "/static/favicon.svg", "/webhooks/mintcash"):
        answer = client.get(path, base_url="http://shop.example", buffered=True)
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_without_tls_no_browser_is_told_to_use_it(shopper: Shopper) -> None:
    """A20: a webhook that is redirected to https would come back as a GET."""
    assert "Strict-Transport-Security" not in shopper.get("/").headers
    forged = shopper.get("/", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in forged.headers


def test_a_webhook_over_plain_http_is_not_redirected(live: Flask) -> None:
    """A20, ASVS 4.1.2."""
    answer = live.test_client().post("/webhooks/mintcash", base_url="http://shop.example")

    assert answer.status_code == 401


def test_the_cookie_is_bound_to_the_host_and_to_https(live: Flask) -> None:
    """ASVS 3.3.1 to 3.3.4: __Host-, Secure, HttpOnly, Lax; no Domain, and gone with the browser."""
    answer = live.test_client().get("/products/candle", base_url="https://shop.example")

    (cookie,) = answer.headers.getlist("Set-Cookie")
    name, *flags = [part.strip() for part in cookie.split(";")]
    assert name.startswith("__Host-shop=")
    assert sorted(flags) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]


def test_in_the_sandbox_the_cookie_is_no_less_hidden(shopper: Shopper) -> None:
    answer = shopper.get("/products/candle")

    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


# ------------------------------------------------------------------ Host and proxies


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "shop.example.evil.example"},
        {"Host": "shop.example@evil.example"},
        {"Host": "evil.example:shop.example"},
        {"Host": "shop.example", "X-Forwarded-Host": "evil.example"},
        {"Host": "shop.example", "X-Host": "evil.example", "X-Original-Host": "evil.example"},
        {"Host": "shop.example", "Forwarded": "host=evil.example;proto=https"},
        {"Host": "shop.example", "X-Forwarded-Prefix": "//evil.example"},
        {"Host": "shop.example", "X-Original-URL": "//evil.example", "X-Rewrite-URL": "/console"},
        {"Host": "shop.example", "X-Forwarded-Proto": "evil://evil.example"},
    ],
)
def test_no_header_puts_another_host_into_a_page(live: Flask, headers: dict[str, str]) -> None:
    """Host-header poisoning, GHSA-94mf-xfg5-r247: refused, or not heard."""
    for path in ("/", "/checkout", "/orders/0", "/nothing"):
        answer = live.test_client().get(path, base_url="https://shop.example", headers=headers)

        assert "evil" not in answer.text + str(answer.headers)
        if "evil" in headers["Host"]:
            assert answer.status_code == 400


def test_the_addresses_that_a_provider_is_told_are_our_own(
    shopper: Shopper, mintcash_api: mintcash.Api
) -> None:
    """Host-header poisoning of callbacks: they come from BASE_URL, whatever the request says."""
    shopper.add("candle")

    shopper.post(
        "/checkout",
        {"shown": shopper.shown(), **ANN},
        headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
    )

    (sent,) = mintcash_api.calls
    assert sent["returnUrl"].startswith(f"{BASE_URL}/orders/")
    assert "evil" not in str(sent)


@pytest.mark.parametrize("forged", ["127.0.0.1", "10.0.0.1, 127.0.0.1", "192.0.2.7"])
def test_an_address_is_believed_only_from_a_proxy_that_is_configured(
    app: Flask, live: Flask, forged: str
) -> None:
    """A20, ASVS 4.1.3: with one proxy the last address counts; without, the connection's own."""
    headers = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Client-IP": forged}
    seen = []

    def tell() -> str:
        seen.append((client_of(request), request.scheme))
        return "ok"

    for each, base in ((app, BASE_URL), (live, "http://shop.example")):
        each.view_functions["healthz"] = tell
        options = {"environ_base": {"REMOTE_ADDR": "192.0.2.1"}, "headers": headers}
        each.test_client().get("/healthz", base_url=base, **options)
        options["headers"] = {**headers, "X-Forwarded-Proto": "https"}
        each.test_client().get("/healthz", base_url=base, **options)

    last = forged.rpartition(",")[2].strip()
    assert seen == [
        *(("192.0.2.1", "http"), ("192.0.2.1", "http")),
        *((last, "http"), (last, "https")),
    ]


@pytest.mark.parametrize(
    ("peer", "headers", "own"),
    [
        ("127.0.0.1", {}, True),
        ("127.0.0.2", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("192.0.2.1", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, False),
        ("127.0.0.1", {"Forwarded": "for=192.0.2.1"}, False),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, False),
        ("127.0.0.1", {"X-Real-IP": "192.0.2.1"}, False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, False),
        ("192.0.2.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("192.0.2.1", {"Forwarded": "for=127.0.0.1"}, False),
    ],
)
def test_console_and_metrics_agree_on_what_this_machine_is(
    shopper: Shopper, peer: str, headers: dict[str, str], own: bool
) -> None:
    """T14, G3: behind a proxy on this machine, a stranger's connection comes from this machine."""
    answers = [
        shopper.get(path, headers=headers, environ_base={"REMOTE_ADDR": peer}).status_code
        for path in ("/console", "/console/orders/0", "/metrics")
    ]

    assert answers == ([200, 404, 200] if own else [403, 403, 404])
