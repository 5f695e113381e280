"""A form that somebody else has a shopper's browser send: 400, and nothing changed.

Every form that a page holds, and every route that takes a POST; only webhooks are exempt.
"""

import itertools
from collections.abc import Callable
from typing import Any

from flask import Flask

from tests.shopper import ANN, BASE_URL, Shopper

from .routes import POSTS, ROWS, Row
from .town import Town, elements

FORMS = tuple(row for row in POSTS if row.csrf == "form")


def cookie_of(shopper: Shopper) -> str:
    found = shopper.client.get_cookie("shop", domain="127.0.0.1")
    return found.value if found else ""


def filled_in(row: Row) -> dict[str, str]:
    return dict(ANN) if row.rule == "/checkout" else dict(row.form)


Attack = Callable[[Town], dict[str, Any]]
#: What a foreign page can have the browser send along, its cookies included.
ATTACKS: dict[str, Attack] = {
    "no_token": lambda town: {},
    "empty_token": lambda town: {"form": {"csrf_token": ""}},
    "guessed_token": lambda town: {"form": {"csrf_token": "a" * 91}},
    "token_of_another_session": lambda town: {
        "form": {"csrf_token": token_of(Shopper(town.shopper.app))}
    },
    "token_in_the_address": lambda town: {"query_string": {"csrf_token": token_of(town.shopper)}},
    "token_in_a_cookie": lambda town: {"headers": {"Cookie": "csrf_token=" + "a" * 91}},
    "as_if_by_htmx": lambda town: {"headers": {"HX-Request": "true"}},
    "as_if_by_script": lambda town: {"headers": {"X-Requested-With": "XMLHttpRequest"}},
    "token_of_another_session_in_a_header": lambda town: {
        "headers": {"X-CSRFToken": token_of(Shopper(town.shopper.app))}
    },
    "stolen_token_from_another_site": lambda town: {
        "form": {"csrf_token": token_of(town.shopper)},
        "headers": {"Origin": "https://evil.example"},
    },
    "stolen_token_from_a_sandboxed_frame": lambda town: {
        "form": {"csrf_token": token_of(town.shopper)},
        "headers": {"Origin": "null"},
    },
    "stolen_token_from_a_look_alike": lambda town: {
        "form": {"csrf_token": token_of(town.shopper)},
        "headers": {"Origin": "http://127.0.0.1:5000.evil.example"},
    },
    "as_json": lambda town: {"content_type": "application/json", "data": "{}"},
    "as_text": lambda town: {"content_type": "text/plain", "data": "csrf_token=1"},
}


def token_of(shopper: Shopper) -> str:
    shopper.post("/nothing")
    return shopper.token


def test_a_form_from_elsewhere_changes_nothing(town: Town) -> None:
    """G10: neither in the database nor in the session, whatever the form and the attack."""
    before = town.books.snapshot()

    for (name, attack), row in itertools.product(ATTACKS.items(), FORMS):
        sent = attack(town)
        form = {**filled_in(row), **sent.pop("form", {})}
        cookie = cookie_of(town.shopper)

        answer = town.shopper.client.post(
            town.path(row.path), base_url=BASE_URL, **{"data": form, **sent}
        )

        assert answer.status_code == 400, (row.rule, name)
        assert "Set-Cookie" not in answer.headers, (row.rule, name)
        assert cookie_of(town.shopper) == cookie, (row.rule, name)
    assert town.books.snapshot() == before
    assert len(town.api.calls) == 1


def test_the_same_forms_with_their_token_are_taken(town: Town) -> None:
    """The control: it is the token that makes the difference, and the browser's own Origin."""
    for row in FORMS:
        for headers in ({}, {"Origin": BASE_URL}):
            answer = town.shopper.post(town.path(row.path), filled_in(row), headers=headers)
            assert answer.status_code != 400, row.rule


def test_every_form_of_every_page_carries_a_token_and_is_in_the_table(town: Town) -> None:
    """G10."""
    rules = town.shopper.app.url_map.bind("127.0.0.1")
    known, found = {row.rule for row in FORMS}, set()
    town.shopper.get("/orders/" + town.ids["order"])
    for row in ROWS:
        if "GET" not in row.methods or row.status != 200 or "<path:" in row.rule:
            continue
        answer = town.shopper.get(town.path(row.path), buffered=True)
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
