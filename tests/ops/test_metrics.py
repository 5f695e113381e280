"""/metrics: what is counted, from real purchases; who may read it; what it costs."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

import config
import payments
from app import create_app
from database import now, transaction
from jobs import outbox, sweeping
from models import Order

from .. import mintcash
from ..books import Books
from ..conftest import close
from ..mintcash import event
from ..shopper import Shopper

TOKEN = "a token for the one who scrapes"


def scrape(shopper: Shopper) -> dict[str, float]:
    """Every sample that is not 0: ``{'shop_jobs state=late': 2.0}``."""
    answer = shopper.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        " ".join(
            [sample.name, *(f"{name}={label}" for name, label in sorted(sample.labels.items()))]
        ): (sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.value
    }


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(now(), tick=False) as traveller:
        yield traveller


# ------------------------------------------------------------------ what is counted


def test_a_shop_without_orders_has_nothing_but_zeros(shopper: Shopper) -> None:
    """A counter that is 0 from the start is one whose first step can be seen."""
    assert scrape(shopper) == {}
    page = shopper.get("/metrics").text
    assert 'shop_webhooks_refused_total{provider="mintcash",reason="Unproven"} 0.0' in page
    assert 'shop_orders_held{reason="stock"} 0.0' in page
    assert 'shop_jobs{state="parked"} 0.0' in page


def test_a_purchase_is_counted_on_its_way(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api, clock: time_machine.Traveller
) -> None:
    shopper.add("candle")
    shopper.check_out()
    assert scrape(shopper) == {
        "shop_payments provider=mintcash status=created": 1,
        "shop_lookups state=waiting": 1,
    }

    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    clock.shift(7.5)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    assert scrape(shopper) == {
        "shop_payments provider=mintcash status=succeeded": 1,
        "shop_webhook_deliveries provider=mintcash verdict=applied": 1,
        "shop_jobs state=waiting": 2,
    }

    books.work()
    assert scrape(shopper) == {
        "shop_payments provider=mintcash status=succeeded": 1,
        "shop_webhook_deliveries provider=mintcash verdict=applied": 1,
        "shop_return_to_paid_seconds_bucket le=10 provider=mintcash": 1,
        "shop_return_to_paid_seconds_bucket le=30 provider=mintcash": 1,
        "shop_return_to_paid_seconds_bucket le=60 provider=mintcash": 1,
        "shop_return_to_paid_seconds_bucket le=300 provider=mintcash": 1,
        "shop_return_to_paid_seconds_bucket le=3600 provider=mintcash": 1,
        "shop_return_to_paid_seconds_bucket le=+Inf provider=mintcash": 1,
        "shop_return_to_paid_seconds_count provider=mintcash": 1,
        "shop_return_to_paid_seconds_sum provider=mintcash": 7.5,
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("waited", "bucket"), [(0, "1"), (1, "1"), (1.5, "2"), (3600, "3600"), (4000, "+Inf")]
)
def test_a_wait_is_counted_in_the_bucket_that_holds_it(
    shopper: Shopper,
    books: Books,
    mintcash_api: mintcash.Api,
    clock: time_machine.Traveller,
    waited: float,
    bucket: str,
) -> None:
    shopper.add("candle")
    shopper.check_out()
    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    clock.shift(waited)
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()

    assert re.findall(r"_bucket le=(\S+)", " ".join(scrape(shopper)))[0] == bucket


def test_a_payment_that_was_confirmed_before_the_return_counts_no_wait(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api
) -> None:
    shopper.add("candle")
    shopper.check_out()
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    shopper.get(f"/orders/{books.order.id}/return/mintcash")
    books.work()

    assert not [name for name in scrape(shopper) if name.startswith("shop_return_to_paid")]


def test_refused_deliveries_are_counted_by_reason_and_their_number_never_goes_down(
    shopper: Shopper, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are trimmed, the counter is not."""
    monkeypatch.setattr(sweeping, "KEPT_REFUSALS", 2)
    (payment,) = books.place_order({"candle": 1})
    for _ in range(5):
        shopper.deliver(b"{}", {"x-signature": "00"})
    shopper.deliver(*mintcash.signed(b"not JSON"))
    shopper.deliver(*event(payment, "succeeded", environment="live"))
    counted = {
        "shop_webhooks_refused_total provider=mintcash reason=Unproven": 5,
        "shop_webhooks_refused_total provider=mintcash reason=Malformed": 1,
        "shop_webhooks_refused_total provider=mintcash reason=WrongEnvironment": 1,
    }
    assert counted.items() <= scrape(shopper).items()

    books.sweep()

    assert len(books.deliveries) == 2
    assert counted.items() <= scrape(shopper).items()
    assert not [name for name in scrape(shopper) if "verdict=refused" in name]


def test_news_of_an_unknown_payment_is_counted_as_parked(shopper: Shopper, books: Books) -> None:
    shopper.deliver(
        *event({"id": "1", "externalId": "2", "amount": 1, "currency": "USD"}, "succeeded")
    )

    assert scrape(shopper) == {"shop_webhook_deliveries provider=mintcash verdict=parked": 1}


def test_work_without_a_worker_becomes_late_and_its_age_grows(
    shopper: Shopper, books: Books, clock: time_machine.Traveller
) -> None:
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))

    clock.shift(90)
    assert scrape(shopper)["shop_jobs state=waiting"] == 2
    clock.shift(60)

    found = scrape(shopper)
    assert found["shop_jobs state=late"] == 2
    assert "shop_jobs state=waiting" not in found
    assert found["shop_job_oldest_seconds"] == 150


def test_work_that_always_fails_is_counted_as_parked(
    shopper: Shopper,
    books: Books,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no cardboard left")

    monkeypatch.setitem(outbox.KINDS, "parcel", outbox.Kind(inside=fail))
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))
    for _ in range(outbox.MAX_ATTEMPTS):
        books.work()
        clock.shift(outbox.LONGEST_PAUSE)

    found = scrape(shopper)

    assert found["shop_jobs state=parked"] == 1
    assert "shop_job_oldest_seconds" not in found


def test_payments_that_are_not_checked_are_late_and_then_overdue(
    shopper: Shopper, books: Books, clock: time_machine.Traveller
) -> None:
    books.place_order({"candle": 1})

    clock.shift(timedelta(minutes=4))
    assert scrape(shopper)["shop_lookups state=late"] == 1
    assert "shop_payments_overdue provider=mintcash" not in scrape(shopper)
    clock.shift(timedelta(minutes=60))

    assert scrape(shopper)["shop_payments_overdue provider=mintcash"] == 1


def test_held_orders_and_second_payments_are_counted(shopper: Shopper, books: Books) -> None:
    (short,) = books.place_order({"candle": 1})
    shopper.deliver(*event(short | {"amount": short["amount"] - 1}, "succeeded"))
    for payment in books.place_order({"candle": 1}, attempts=2):
        shopper.deliver(*event(payment, "succeeded"))

    found = scrape(shopper)

    assert found["shop_orders_held reason=amount"] == 1
    assert found["shop_payments_with_a_problem provider=mintcash"] == 1


# ------------------------------------------------------------------ who may read it


@pytest.fixture
def guarded(settings: config.Settings) -> Iterator[Flask]:
    """A shop with METRICS_TOKEN."""
    app = create_app(config.load(**settings.model_dump() | {"metrics_token": TOKEN}))
    yield app
    close(app)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        pytest.param("127.0.0.1", {}, 200, id="this-machine"),
        pytest.param("::1", {}, 200, id="this-machine-v6"),
        pytest.param("127.0.0.1", {"X-Forwarded-For": "9.9.9.9"}, 404, id="through-a-proxy"),
        pytest.param("127.0.0.1", {"Forwarded": "for=9.9.9.9"}, 404, id="through-another"),
        pytest.param("9.9.9.9", {}, 404, id="a-stranger"),
        pytest.param("9.9.9.9", {"Authorization": f"Bearer {TOKEN}"}, 200, id="token"),
        pytest.param("9.9.9.9", {"Authorization": f"Bearer {TOKEN}x"}, 404, id="wrong-token"),
        pytest.param("9.9.9.9", {"Authorization": "Bearer "}, 404, id="empty-token"),
        pytest.param("9.9.9.9", {"Authorization": f"Basic {TOKEN}"}, 404, id="not-bearer"),
    ],
)
def test_metrics_are_for_this_machine_or_for_the_token(
    guarded: Flask, address: str, headers: dict[str, str], status: int
) -> None:
    shopper = Shopper(guarded)

    answer = shopper.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == status
    assert ("shop_jobs" in answer.text) is (status == 200)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("given", ["Bearer ", "Bearer None", "Bearer", ""])
def test_without_a_token_no_token_opens_them(shopper: Shopper, given: str) -> None:
    headers = {"Authorization": given}

    answer = shopper.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": "9.9.9.9"})

    assert answer.status_code == 404


# ------------------------------------------------------------------ what it costs


def test_two_processes_count_one_number(books: Books) -> None:
    """The statement adds to the stored value, so no count of another process is lost."""

    def refuse(_: int) -> None:
        with books.app.app_context():
            payments.record_refusal("mintcash", "Unproven: test")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(refuse, range(80)))

    found = scrape(Shopper(books.app))
    assert found["shop_webhooks_refused_total provider=mintcash reason=Unproven"] == 80


def test_an_order_whose_payment_is_not_known_gets_its_receipt_all_the_same(
    shopper: Shopper, books: Books
) -> None:
    """A missing statistic must not block a receipt."""
    (payment,) = books.place_order({"candle": 1})
    shopper.deliver(*event(payment, "succeeded"))
    with books.open(), transaction() as session:
        session.execute(update(Order).values(paid_by=None, must_keep=0))

    books.work()

    assert all(task.status == "done" for task in books.tasks)


def test_what_is_older_than_a_day_is_not_counted(
    shopper: Shopper, books: Books, mintcash_api: mintcash.Api, clock: time_machine.Traveller
) -> None:
    """Its cost does not grow with what was sold; parked news stays, since a person must look."""
    shopper.add("cookbook")
    shopper.check_out()
    shopper.deliver(*event(mintcash_api.newest, "succeeded"))
    books.work()
    stranger = mintcash_api.newest | {"id": "another", "externalId": "another"}
    shopper.deliver(*event(stranger, "succeeded"))

    clock.shift(25 * 60 * 60)

    assert scrape(shopper) == {"shop_webhook_deliveries provider=mintcash verdict=parked": 1}
