"""``/metrics`` for Prometheus, read from the database: right for any number of processes.

What it costs does not grow with the number of orders: payments and deliveries are those of the
last day, by an index; the rest is what waits. docs/runbook.md says what to do about each number.
"""

import hmac
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from flask import Response, abort, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, Metric, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector
from sqlalchemy import Executable, Select, case, func, select, text, union_all

from config import Settings
from database import db, insert_or_add, now
from models import Counter, Delivery, Order, OutboxTask, Payment
from ops.clients import is_own_machine
from providers.contract import LADDER, WebhookRefused

LATE = timedelta(minutes=2)  # the sweep comes each minute
RECENT = timedelta(days=1)
MOST = 10_000_000  # rows that are counted
BUCKETS = (1, 2, 5, 10, 30, 60, 300, 3600)  # seconds
#: Undecided payments.
UNDECIDED = LADDER[: LADDER.index("expired")]


def show() -> Response:
    """For this machine, or with METRICS_TOKEN as a bearer token.

    :raise 404: without either.
    """
    if not (is_own_machine(request) or _has_token()):
        abort(404)
    page = generate_latest(Books())
    return Response(page, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _has_token() -> bool:
    settings: Settings = current_app.extensions["settings"]
    expected = settings.value("metrics_token")
    given = request.authorization
    if not expected or given is None or given.type != "bearer":
        return False
    return hmac.compare_digest((given.token or "").encode(), expected.encode())


# ------------------------------------------------------------------ counted while it happens


def count(name: str, provider: str, label: str, by: int = 1) -> None:
    """Inside a transaction: one statement, so that no two processes count the same number."""
    insert_or_add(Counter, name=name, provider=provider, label=label, value=by)


def observe_confirmation(order: Order) -> None:
    """How long the shopper of a paid order had been back when it was paid. Inside a transaction.

    Nothing when the news came before the shopper did: there was no wait.
    """
    payment = db.session.get(Payment, order.paid_by) if order.paid_by else None
    if payment is None or payment.returned_at is None or order.paid_at is None:
        return
    waited = max(timedelta(), order.paid_at - payment.returned_at)
    bucket = next((str(each) for each in BUCKETS if waited.total_seconds() <= each), "+Inf")
    count("confirmations", payment.provider, bucket)
    count("confirmation_ms", payment.provider, "", waited // timedelta(milliseconds=1))


# ------------------------------------------------------------------ read when it is asked for


class Books(Collector):
    """What the database says now, as Prometheus wants it."""

    def collect(self) -> Iterator[Metric]:
        yield payments_by_status()
        yield payments_overdue()
        yield payments_with_a_problem()
        yield orders_held()
        yield deliveries()
        yield jobs()
        yield oldest_job()
        yield lookups()
        yield refusals()
        yield confirmations()


def payments_by_status() -> Metric:
    begun = select(Payment.provider, Payment.status).where(Payment.created_at > now() - RECENT)
    return _gauge(
        "shop_payments",
        "Payments that were begun within a day, by provider and status.",
        ("provider", "status"),
        _count_of(begun),
    )


def payments_overdue() -> Metric:
    overdue = (Payment.status.in_(UNDECIDED), Payment.expires_at < now() - LATE)
    query = select(Payment.provider, func.count()).where(*overdue)
    return _gauge(
        "shop_payments_overdue",
        "Payments undecided past their expiry: the provider does not answer, or no worker asks.",
        ("provider",),
        query.group_by(Payment.provider),
        _providers(),
    )


def payments_with_a_problem() -> Metric:
    query = select(Payment.provider, func.count()).where(Payment.problem.is_not(None))
    return _gauge(
        "shop_payments_with_a_problem",
        "Payments with a note for a person, such as a second payment for one order.",
        ("provider",),
        query.group_by(Payment.provider),
        _providers(),
    )


def orders_held() -> Metric:
    query = select(Order.held_code, func.count()).where(Order.held_code.is_not(None))
    return _gauge(
        "shop_orders_held",
        "Orders that wait for a person, by reason.",
        ("reason",),
        query.group_by(Order.held_code),
        [("amount",), ("currency",), ("stock",)],
    )


def deliveries() -> Metric:
    # Refused ones are trimmed: their number here would mean nothing. ``refusals`` counts them.
    news = select(Delivery.provider, Delivery.verdict)
    recent = news.where(
        Delivery.received_at > now() - RECENT, Delivery.verdict.not_in(("refused", "parked"))
    )
    return _gauge(
        "shop_webhook_deliveries",
        "Verified deliveries: those parked, and what came of the others of the last day.",
        ("provider", "verdict"),
        union_all(_count_of(news.where(Delivery.verdict == "parked")), _count_of(recent)),
    )


def jobs() -> Metric:
    late = OutboxTask.due_at < now() - LATE
    state = case((OutboxTask.parked, "parked"), (late, "late"), else_="waiting").label("state")
    return _gauge(
        "shop_jobs",
        "What paid orders are owed and have not got: waiting, late (two minutes), or parked.",
        ("state",),
        select(state, func.count()).where(OutboxTask.done_at.is_(None)).group_by(text("state")),
        [("waiting",), ("late",), ("parked",)],
    )


def oldest_job() -> Metric:
    query = (
        select(func.min(Order.paid_at))
        .join(OutboxTask, OutboxTask.order_id == Order.id)
        .where(OutboxTask.done_at.is_(None), OutboxTask.parked.is_(False))
    )
    paid_at = db.session.scalar(query)
    age = max(timedelta(), now() - paid_at) if paid_at else timedelta()
    words = "How long ago the order was paid whose work waits longest; 0 when nothing waits."
    return GaugeMetricFamily("shop_job_oldest_seconds", words, value=age.total_seconds())


def lookups() -> Metric:
    late = Payment.next_check_at < now() - LATE
    state = case((late, "late"), else_="waiting").label("state")
    query = select(state, func.count()).where(Payment.next_check_at.is_not(None))
    return _gauge(
        "shop_lookups",
        "Undecided payments that the provider is to be asked about: waiting, or late.",
        ("state",),
        query.group_by(text("state")),
        [("waiting",), ("late",)],
    )


def refusals() -> Metric:
    metric = CounterMetricFamily(
        "shop_webhooks_refused",
        "Deliveries that changed nothing, most of them because the signature was wrong.",
        labels=("provider", "reason"),
    )
    reasons = [each.__name__ for each in WebhookRefused.__subclasses__()]
    zeros = {(*each, reason): 0 for each in _providers() for reason in reasons}
    for labels, number in (zeros | _counted("webhooks_refused")).items():
        metric.add_metric(labels, number)
    return metric


def confirmations() -> Metric:
    metric = HistogramMetricFamily(
        "shop_return_to_paid_seconds",
        "From the shopper's return to the paid order, where the shopper was back first.",
        labels=("provider",),
    )
    counts, milliseconds = _counted("confirmations"), _counted("confirmation_ms")
    for (provider,) in _providers():
        total, buckets = 0, []
        for bucket in (*map(str, BUCKETS), "+Inf"):
            total += counts.get((provider, bucket), 0)
            buckets.append((bucket, total))
        metric.add_metric((provider,), buckets, milliseconds.get((provider, ""), 0) / 1000)
    return metric


def _gauge(
    name: str,
    words: str,
    labels: tuple[str, ...],
    query: Executable,
    expected: Iterable[tuple[str, ...]] = (),
) -> Metric:
    """``query``: rows of labels and a number. What is ``expected`` and not found is 0."""
    metric = GaugeMetricFamily(name, words, labels=labels)
    found = {tuple(row[:-1]): row[-1] for row in db.session.execute(query)}
    for each in dict.fromkeys((*expected, *found)):
        metric.add_metric(each, found.get(each, 0))
    return metric


def _count_of(rows: Any) -> Select[Any]:
    """How many there are of each kind. The limit keeps SQLite at the index that finds them."""
    found = rows.limit(MOST).subquery()
    return select(*found.c, func.count()).group_by(*found.c)


def _counted(name: str) -> dict[tuple[str, str], int]:
    query = select(Counter.provider, Counter.label, Counter.value).where(Counter.name == name)
    return {(provider, label): value for provider, label, value in db.session.execute(query)}


def _providers() -> list[tuple[str]]:
    return [(name,) for name in current_app.extensions["providers"]]
