"""A form that another site has a shopper's browser send: 400, and nothing changed.

Every form that a page holds, and every route that takes a POST; only webhooks are exempt.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import config
from app import create_app
from tests.conftest import close
from tests.shopper import ANN, BASE_URL, Shopper

from .routes import POSTS, ROWS, Row
from .shop_with_a_purchase import ShopWithAPurchase, elements

FORMS = tuple(row for row in POSTS if row.csrf == "form")


def cookie_of(shopper: Shopper) -> str:
    found = shopper.client.get_cookie("shop", domain="127.0.0.1")
    return found.value if found else ""


def filled_in(row: Row, purchase: ShopWithAPurchase) -> dict[str, str]:
    if row.rule == "/checkout":
        return {"shown": purchase.shopper.shown(), **ANN}
    return dict(row.form)


Attack = Callable[[ShopWithAPurchase], dict[str, Any]]
#: What a foreign page can have the browser send along, its cookies included.
ATTACKS: dict[str, Attack] = {
    "no_token": lambda purchase: {},
    "empty_token": lambda purchase: {"form": {"csrf_token": ""}},
    "guessed_token": lambda purchase: {"form": {"csrf_token": "a" * 91}},
    "token_of_another_session": lambda purchase: {
        "form": {"csrf_token": token_of(Shopper(purchase.shopper.app))}
    },
    "token_in_the_address": lambda purchase: {
        "query_string": {"csrf_token": token_of(purchase.shopper)}
    },
    "token_in_a_cookie": lambda purchase: {"headers": {"Cookie": "csrf_token=" + "a" * 91}},
    "as_if_by_htmx": lambda purchase: {"headers": {"HX-Request": "true"}},
    "as_if_by_script": lambda purchase: {"headers": {"X-Requested-With": "XMLHttpRequest"}},
    "token_of_another_session_in_a_header": lambda purchase: {
        "headers": {"X-CSRFToken": token_of(Shopper(purchase.shopper.app))}
    },
    "stolen_token_from_another_site": lambda purchase: {
        "form": {"csrf_token": token_of(purchase.shopper)},
        "headers": {"Origin": "https://evil.example"},
    },
    "stolen_token_from_a_sandboxed_frame": lambda purchase: {
        "form": {"csrf_token": token_of(purchase.shopper)},
        "headers": {"Origin": "null"},
    },
    "stolen_token_from_a_look_alike": lambda purchase: {
        "form": {"csrf_token": token_of(purchase.shopper)},
        "headers": {"Origin": "http://127.0.0.1:5000.evil.example"},
    },
    "stolen_token_from_another_port": lambda purchase: {
        "form": {"csrf_token": token_of(purchase.shopper)},
        "headers": {"Origin": "http://127.0.0.1:5001"},
    },
    "stolen_token_from_another_scheme": lambda purchase: {
        "form": {"csrf_token": token_of(purchase.shopper)},
        "headers": {"Origin": "https://127.0.0.1:5000"},
    },
    "stolen_token_from_no_address": lambda purchase: {
        "form": {"csrf_token": token_of(purchase.shopper)},
        "headers": {"Origin": "http://["},
    },
    "as_json": lambda purchase: {"content_type": "application/json", "data": "{}"},
    "as_text": lambda purchase: {"content_type": "text/plain", "data": "csrf_token=1"},
}


def token_of(shopper: Shopper) -> str:
    shopper.post("/nothing")
    return shopper.token


def test_a_form_from_elsewhere_changes_nothing(purchase: ShopWithAPurchase) -> None:
    """G10: neither in the database nor in the session, whatever the form and the attack."""
    before = purchase.books.snapshot()

    for (name, attack), row in itertools.product(ATTACKS.items(), FORMS):
        sent = attack(purchase)
        form = {**filled_in(row, purchase), **sent.pop("form", {})}
        cookie = cookie_of(purchase.shopper)

        answer = purchase.shopper.client.post(
            purchase.path(row.path), base_url=BASE_URL, **{"data": form, **sent}
        )

        assert answer.status_code == 400, (row.rule, name)
        assert "Set-Cookie" not in answer.headers, (row.rule, name)
        assert cookie_of(purchase.shopper) == cookie, (row.rule, name)
    assert purchase.books.snapshot() == before
    assert len(purchase.api.calls) == 1


def test_the_same_forms_with_their_token_are_taken(purchase: ShopWithAPurchase) -> None:
    """The control: it is the token that makes the difference, and the browser's own Origin."""
    for row in FORMS:
        for headers in ({}, {"Origin": BASE_URL}):
            answer = purchase.shopper.post(
                purchase.path(row.path), filled_in(row, purchase), headers=headers
            )
            assert answer.status_code != 400, row.rule


def test_every_form_of_every_page_carries_a_token_and_is_in_the_table(
    purchase: ShopWithAPurchase,
) -> None:
    """G10."""
    rules = purchase.shopper.app.url_map.bind("127.0.0.1")
    known, found = {row.rule for row in FORMS}, set()
    purchase.shopper.get("/orders/" + purchase.ids["order"])
    for row in ROWS:
        if "GET" not in row.methods or row.status != 200 or "<path:" in row.rule:
            continue
        answer = purchase.shopper.get(purchase.path(row.path), buffered=True)
        inside = None
        for name, attributes, _ in elements(answer.text) if answer.mimetype == "text/html" else ():
            if name == "form":
                assert inside is None, f"{row.rule}: a form without a token"
                assert attributes["method"].lower() == "post"
                rule, _ = rules.match(attributes["action"], "POST", return_rule=True)
                found.add(inside := rule.rule)
            elif attributes.get("name") == "csrf_token":
                inside = None
            assert "hx-put" not in attributes
            assert "hx-delete" not in attributes
        assert inside is None, f"{row.rule}: a form without a token"

    assert found <= known
    assert found >= {"/currency", "/cart/items", "/checkout", "/cart/items/<slug>"}


def test_only_webhooks_are_exempt(app: Flask) -> None:
    """G10, SVX."""
    csrf = app.extensions["csrf"]

    assert {getattr(each, "name", each) for each in csrf._exempt_blueprints} == {"webhooks"}
    assert csrf._exempt_views == set()
    assert app.config.get("WTF_CSRF_ENABLED", True)
    assert [row.rule for row in POSTS if row.csrf == "proof"] == ["/webhooks/<provider>"]


def test_a_webhook_is_asked_for_no_origin_and_no_token(shopper: Shopper) -> None:
    """A provider is no browser; what it is asked for is its proof."""
    answer = shopper.client.post(
        "/webhooks/mintcash", base_url=BASE_URL, headers={"Origin": "https://mintcash.example"}
    )

    assert answer.status_code == 401


# ------------------------------------------------------------------ behind TLS


@pytest.fixture
def behind_tls(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The sandbox's shop at https://shop.example, one proxy in front."""
    app = create_app(
        config.load(
            base_url="https://shop.example",
            trusted_proxies=1,
            database_url=database_url,
            jobs_url=f"sqlite:///{tmp_path}/jobs.db",
        )
    )
    yield app
    close(app)


def send_form(app: Flask, headers: dict[str, str]) -> int:
    """A form with cookie and token, as a proxy passes it on."""
    client = app.test_client()
    passed_on = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    page = client.get("/products/candle", base_url="https://shop.example", headers=passed_on)
    (token,) = {
        attributes["value"]
        for _, attributes, _ in elements(page.text)
        if attributes.get("name") == "csrf_token"
    }
    answer = client.post(
        "/cart/items",
        base_url="https://shop.example",
        data={"csrf_token": token, "slug": "candle", "quantity": "1"},
        headers={**passed_on, **headers},
    )
    return answer.status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://shop.example"}, 303, id="origin-without-referer"),
        pytest.param({}, 303, id="neither"),
        pytest.param({"Referer": "https://shop.example/cart"}, 303, id="referer-without-origin"),
        pytest.param(
            {"Origin": "https://shop.example", "Host": "shop.example:443"}, 303, id="port-in-host"
        ),
        pytest.param(
            {"Origin": "https://shop.example:8443", "Host": "shop.example:8443"}, 303, id="port"
        ),
        pytest.param(
            {"Origin": "https://shop.example", "X-Forwarded-Proto": "http"}, 303, id="proto"
        ),
        pytest.param({"Origin": "https://evil.example"}, 400, id="another-site"),
        pytest.param({"Origin": "http://shop.example"}, 400, id="without-tls"),
        pytest.param(
            {"Origin": "http://shop.example", "X-Forwarded-Proto": "http"}, 400, id="without-tls-2"
        ),
        pytest.param({"Origin": "https://shop.example:8443"}, 400, id="another-port"),
        pytest.param({"Origin": "https://evil.shop.example"}, 400, id="subdomain"),
        pytest.param({"Origin": "https://shop.example.evil.example"}, 400, id="look-alike"),
        pytest.param({"Origin": "https://shop.example@evil.example"}, 400, id="user"),
        pytest.param({"Origin": "null"}, 400, id="null"),
        pytest.param({"Origin": ""}, 400, id="empty"),
        pytest.param(
            {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, 400, id="forged"
        ),
    ],
)
def test_a_form_needs_no_referer_and_its_origin_must_be_ours(
    behind_tls: Flask, headers: dict[str, str], status: int
) -> None:
    """S11: flask-wtf#364, docassemble#27: proxies and browsers strip Referer; Origin is exact."""
    assert send_form(behind_tls, headers) == status


def test_a_proxy_that_sends_forwarded_takes_forms_too(behind_tls: Flask) -> None:
    """S11: the scheme of BASE_URL is enough."""
    headers = {"Forwarded": "for=203.0.113.9;proto=https", "X-Forwarded-Proto": ""}

    assert send_form(behind_tls, {**headers, "Origin": "https://shop.example"}) == 303


def test_a_form_without_any_cookie_is_told_of_cookies(shopper: Shopper) -> None:
    """S11: flask-wtf#288, sentry#108481: "reload the page" alone would be a loop."""
    without = shopper.app.test_client(use_cookies=False)

    for form in ({}, {"csrf_token": token_of(shopper)}):
        page = without.post("/cart/items", base_url=BASE_URL, data=form)
        assert page.status_code == 400
        assert "This shop needs cookies" in page.text
        assert "allow cookies for this shop" in page.text
        assert "open for too long" not in page.text


@pytest.mark.parametrize("token", [None, "", "stale"])
def test_a_stale_page_is_called_stale(shopper: Shopper, token: str | None) -> None:
    """S11: the cookie came, so cookies are not what is missing."""
    shopper.add("candle")
    form = {} if token is None else {"csrf_token": token}

    page = shopper.client.post("/cart/items", base_url=BASE_URL, data=form)

    assert page.status_code == 400
    assert "This page was open for too long" in page.text
    assert "needs cookies" not in page.text
