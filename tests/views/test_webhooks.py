"""The webhook route from outside: what each kind of delivery is answered, and what it changes."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

import config
from app import create_app

from .. import mintcash
from ..books import Books
from ..conftest import close
from ..mintcash import Delivery, event, signed
from ..shopper import BASE_URL, Shopper


@pytest.fixture
def payment(shopper: Shopper, mintcash_api: mintcash.Api) -> dict[str, object]:
    """A candle, checked out and not paid yet."""
    shopper.add("candle")
    shopper.check_out()
    return mintcash_api.newest


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        pytest.param(lambda d: (d.body, {}), 401, id="no_signature"),
        pytest.param(lambda d: (d.body, {"x-signature": ""}), 401, id="empty_signature"),
        pytest.param(lambda d: (d.body + b"\n", d.headers), 401, id="body_changed"),
        pytest.param(
            lambda d: (d.body, {"x-signature": mintcash.sign(d.body, "wrong")}), 401, id="secret"
        ),
        pytest.param(
            lambda d: signed(d.body.replace(b'"test"', b'"live"')), 400, id="wrong_environment"
        ),
        pytest.param(lambda d: signed(b"{}"), 400, id="signed_nonsense"),
        pytest.param(lambda d: signed(b"[" * 60_000), 400, id="signed_and_deep"),
        pytest.param(lambda d: signed(b" " * 64_001), 413, id="too_large"),
    ],
)
def test_a_delivery_that_does_not_verify_changes_nothing(
    payment: dict[str, object],
    shopper: Shopper,
    books: Books,
    spoil: Callable[[Delivery], Delivery],
    status: int,
) -> None:
    """A1, A2, A3, A11, A15, G19; a refused signature is answered 4xx, never 500."""
    before = books.snapshot()

    body, headers = spoil(event(payment, "succeeded"))
    answer = shopper.deliver(body, headers)

    assert answer.status_code == status
    assert books.snapshot() == before


def test_a_refused_delivery_leaves_one_line_without_body_and_key(
    payment: dict[str, object], shopper: Shopper, books: Books, caplog: pytest.LogCaptureFixture
) -> None:
    """I3."""
    true = event(payment, "succeeded")

    shopper.deliver(true.body, {"x-signature": mintcash.sign(true.body, "wrong")})

    (line,) = books.deliveries
    assert (line.verdict, line.reason) == ("refused", "Unproven: x-signature differs")
    assert (line.body, line.event_key, line.headers) == (None, None, {})
    refusals = [r for r in caplog.records if "webhook refused" in r.getMessage()]
    assert len(refusals) == 1


def test_an_unknown_event_is_acknowledged_kept_and_changes_nothing(
    payment: dict[str, object], shopper: Shopper, books: Books
) -> None:
    """D7."""
    before = books.snapshot()
    unknown = signed(event(payment, "succeeded").body.replace(b"payment.succ", b"payment.prec"))

    assert shopper.deliver(*unknown).status_code == 200

    assert books.snapshot() == before
    assert [(d.verdict, d.event) for d in books.deliveries] == [("ignored", "payment.preceeded")]


def test_news_of_an_unknown_payment_is_acknowledged_and_parked(
    payment: dict[str, object], shopper: Shopper, books: Books
) -> None:
    """B8: the same 2xx as for a known one, so that no sender learns which ids exist."""
    stranger = {**payment, "id": "pmt_stranger", "externalId": "not-ours"}

    answer = shopper.deliver(*event(stranger, "succeeded"))

    assert (answer.status_code, answer.text) == (200, "ok")
    assert [d.verdict for d in books.deliveries] == ["parked"]
    assert books.order.status == "open"


@pytest.mark.parametrize("reference", ["", "\x00", "a\x00b", "\ud800", "é" * 500, 7, None])
def test_an_odd_reference_in_a_true_delivery_is_parked_like_any_other(
    payment: dict[str, object], shopper: Shopper, books: Books, reference: object
) -> None:
    """A15: PostgreSQL refuses NUL in text; a signed delivery must not end in a 500."""
    stranger = {**payment, "id": "pmt_stranger", "externalId": reference}

    assert shopper.deliver(*event(stranger, "succeeded")).status_code == 200

    assert [d.verdict for d in books.deliveries] == ["parked"]


def test_the_kept_delivery_shows_no_signature(
    payment: dict[str, object], shopper: Shopper, books: Books
) -> None:
    """I2: four characters are enough to compare by eye."""
    delivery = event(payment, "succeeded")

    shopper.deliver(*delivery)

    (kept,) = books.deliveries
    signature = delivery.headers["x-signature"]
    assert signature not in json.dumps(kept.headers)
    assert kept.headers["x-signature"] == f"…{signature[-4:]}"


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_only_post_is_answered(shopper: Shopper, method: str) -> None:
    """A19."""
    answer = getattr(shopper.client, method)("/webhooks/mintcash", base_url=BASE_URL)

    assert answer.status_code == 405


SPELLINGS = [
    "/webhooks/{}/",
    "/webhooks//{}",
    "/webhooks//{}//",
    "//webhooks/{}",
    "//webhooks//{}/",
]


@pytest.mark.parametrize("spelling", ["/webhooks/{}", *SPELLINGS])
def test_an_address_typed_by_hand_reaches_every_provider(
    app: Flask, books: Books, spelling: str
) -> None:
    """S26, P17: mollie/laravel-mollie#48, saleor/storefront#597; without a redirect."""
    names = list(app.extensions["providers"])
    assert len(names) == 5

    for name in names:
        path = spelling.format(name)
        answer = app.test_client().post(
            base_url=BASE_URL, data=b"{}", environ_overrides={"PATH_INFO": path}
        )
        assert answer.status_code in (400, 401), path

    assert [line.provider for line in books.deliveries] == names


@pytest.mark.parametrize("path", [each.format("mintcash") for each in SPELLINGS])
def test_what_arrives_there_pays(
    payment: dict[str, object], shopper: Shopper, books: Books, path: str
) -> None:
    """S26, P17."""
    delivery = event(payment, "succeeded")

    answer = shopper.client.post(
        base_url=BASE_URL,
        data=delivery.body,
        headers=delivery.headers,
        environ_overrides={"PATH_INFO": path},
    )

    assert (answer.status_code, books.order.status) == (200, "paid")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_such_an_address_is_posted_to_only(shopper: Shopper, method: str) -> None:
    """A19, S26."""
    for path in ("/webhooks/mintcash/", "/webhooks//mintcash"):
        answer = shopper.client.open(path, method=method, base_url=BASE_URL)
        assert answer.status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "/acme/",
        "//acme",
        "/MintCash",
        "/MINTCASH/",
        "/mintcash/x",
        "/mintcash/x/",
        "/x/mintcash",
        "/mint cash",
    ],
)
def test_an_unknown_provider_is_not_found(shopper: Shopper, books: Books, path: str) -> None:
    """S26."""
    assert shopper.client.post(f"/webhooks{path}", base_url=BASE_URL).status_code == 404
    assert books.deliveries == []


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_decides_nothing(
    payment: dict[str, object], shopper: Shopper, books: Books, content_type: str | None
) -> None:
    """A17, A18: the raw bytes are read before anything could parse them."""
    delivery = event(payment, "succeeded")

    answer = shopper.client.post(
        "/webhooks/mintcash",
        base_url=BASE_URL,
        data=delivery.body,
        headers=delivery.headers,
        content_type=content_type,
    )

    assert answer.status_code == 200
    assert books.order.status == "paid"


@pytest.fixture(params=["", "  ", ",", " , "])
def app_without_secret(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path
) -> Iterator[Flask]:
    app = create_app(
        config.load(
            database_url=database_url,
            jobs_url=f"sqlite:///{tmp_path}/jobs.db",
            mintcash_signing_secret=request.param,
        )
    )
    yield app
    close(app)


def test_without_a_secret_there_is_no_route_and_no_offer(app_without_secret: Flask) -> None:
    """A4: circlefin/arc-ecommerce-payments#20, verification skipped when the secret was missing."""
    shopper = Shopper(app_without_secret)
    body = b'{"environment": "test"}'

    answer = shopper.deliver(body, {"x-signature": mintcash.sign(body, "")})

    assert answer.status_code == 404
    shopper.add("candle")
    assert "MintCash" not in shopper.get("/checkout").text
