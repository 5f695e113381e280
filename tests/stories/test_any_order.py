"""Whatever the order in which a provider tells the truth, and however often: one outcome."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute

import jobs
import payments
from database import db, now, transaction
from models import Credit, Download, Mail, Order, Parcel, Payment, Product
from payments import pages
from providers.contract import LADDER, Checkout, Redirect

from .. import mintcash
from ..books import Books
from ..mintcash import event

ITEMS = {"candle": 1, "cookbook": 1, "gift-card": 1}
TOTAL = 65_00
EFFECTS: tuple[InstrumentedAttribute[str], ...] = (
    Parcel.order_id,
    Download.order_id,
    Credit.order_id,
    Mail.order_id,
)


@dataclass(frozen=True)
class News:
    """Something true about a payment, in MintCash's words."""

    word: str
    amount: float = TOTAL / 100
    currency: str = "USD"
    refunded: float = 0
    code: str | None = None


#: In the order in which a payment goes through them.
TRUTHS = (
    News("created"),
    News("pending"),
    News("a_word_of_next_year"),
    News("authorized"),
    News("failed", code="expired"),
    News("failed", code="canceled"),
    News("failed", code="declined"),
    News("failed"),
    News("succeeded", amount=0.01),
    News("succeeded", amount=TOTAL / 100 - 0.01),
    News("succeeded", currency="TTD"),
    News("succeeded"),
    News("succeeded", amount=TOTAL / 100 + 1),
    News("partially_refunded", refunded=0.01),
    News("partially_refunded", refunded=20),
    News("partially_refunded", refunded=33.5),
    News("refunded", refunded=TOTAL / 100),
    News("voided"),
)
#: News that takes an order's right to be fulfilled: what it overtakes is not delivered (D4).
TAKEN_BACK = {"partially_refunded", "refunded", "voided"}


@dataclass(frozen=True)
class Telling:
    """One delivery of news. With ``copy`` 0 and 0 again, the second is the same event once more.

    ``names_us`` False: without our reference, so that it is parked while theirs is not known.
    """

    news: News
    copy: int
    names_us: bool


@dataclass(frozen=True)
class History:
    """What is true, and how the shop came to hear of it."""

    truths: tuple[News, ...]
    tellings: tuple[Telling, ...]
    heard_before_page: int  # so many came before MintCash had answered the create call
    works_after: frozenset[int]  # the worker ran after these


@st.composite
def histories(draw: st.DrawFn) -> History:
    truths = draw(st.lists(st.sampled_from(TRUTHS), min_size=1, max_size=5, unique=True))
    repeated = draw(st.lists(st.sampled_from(truths), max_size=3))
    tellings = tuple(
        Telling(news, draw(st.integers(0, 1)), draw(st.booleans()))
        for news in draw(st.permutations(truths + repeated))
    )
    places = st.integers(0, len(tellings))
    return History(
        truths=tuple(sorted(truths, key=TRUTHS.index)),
        tellings=tellings,
        heard_before_page=draw(places),
        works_after=draw(st.frozensets(places, max_size=2)),
    )


@dataclass(frozen=True)
class Outcome:
    order: str
    payment: str
    received: int
    refunded: int

    @property
    def keeps_the_price(self) -> bool:
        return self.received - self.refunded >= TOTAL

    def has_not_fallen_below(self, earlier: "Outcome") -> bool:
        return (
            LADDER.index(self.payment) >= LADDER.index(earlier.payment)
            and self.received >= earlier.received
            and self.refunded >= earlier.refunded
            and not (earlier.order == "paid" and self.order != "paid")
        )


def outcome(payment: dict[str, Any]) -> Outcome:
    found = db.session.execute(
        select(Order.status, Payment.status, Payment.received, Payment.refunded)
        .join(Payment.order)
        .where(Payment.id == payment["externalId"])
    ).one()
    db.session.rollback()
    return Outcome(*found)


def effects(payment: dict[str, Any]) -> list[int]:
    """How many of each kind its order has had."""
    order_id = select(Payment.order_id).where(Payment.id == payment["externalId"])
    return [
        db.session.scalars(select(func.count()).where(each == order_id.scalar_subquery())).one()
        for each in EFFECTS
    ]


def tell(payment: dict[str, Any], telling: Telling) -> None:
    news = telling.news
    delivery = event(
        payment,
        news.word,
        event_id=f"{payment['id']}/{TRUTHS.index(news)}/{telling.copy}",
        amount=news.amount,
        currency=news.currency,
        amountRefunded=news.refunded,
        failureCode=news.code,
        externalId=payment["externalId"] if telling.names_us else None,
    )
    payments.receive("mintcash", delivery.headers, delivery.body)


def answer_the_create_call(payment: dict[str, Any]) -> None:
    page = Checkout(payment["id"], Redirect(f"{mintcash.PAGE}/{payment['id']}"))
    pages.record_page(payment["externalId"], payments.providers()["mintcash"], page)


def check(api: mintcash.Api, truth: News, *made: dict[str, Any]) -> None:
    """The checks that are booked are made, and MintCash says what is true in the end."""
    for payment in made:
        said = {"status": truth.word, "amount": round(truth.amount * 100)}
        said |= {"currency": truth.currency, "amountRefunded": truth.refunded}
        api.payments[payment["id"]] = {**payment, **said}
        with transaction() as session:
            booked = update(Payment).where(Payment.id == payment["externalId"])
            booked = booked.where(Payment.next_check_at.is_not(None))
            session.execute(booked.values(next_check_at=now() - timedelta(seconds=1)))
        payments.check_payment(payment["externalId"])


# The fixtures hold one database for all examples on purpose: every example has orders of its own,
# and looks at nothing else.
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=histories())
def test_the_outcome_depends_on_what_is_true_and_not_on_how_it_was_told(
    books: Books, mintcash_api: mintcash.Api, history: History
) -> None:
    """N2, D9; D1 to D8 in all mixtures. A failure after money is asked about."""
    with books.open(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "candle").values(stock=1_000))
    (plain,) = books.place_order(ITEMS)
    (mixed,) = books.place_order(ITEMS, page_known=False)
    assert plain["amount"] == TOTAL

    with books.open():
        for news in history.truths:
            tell(plain, Telling(news, copy=0, names_us=True))
        before = outcome(mixed)
        for count, telling in enumerate(history.tellings):
            if count == history.heard_before_page:
                answer_the_create_call(mixed)
            tell(mixed, telling)
            if count in history.works_after:
                jobs.work_off_outbox()
            after = outcome(mixed)
            assert after.has_not_fallen_below(before), f"{before} became {after} by {telling}"
            before = after
        answer_the_create_call(mixed)
        check(mintcash_api, history.truths[-1], plain, mixed)
        jobs.work_off_outbox()
        expected, found = outcome(plain), outcome(mixed)
        effects_of_plain, effects_of_mixed = effects(plain), effects(mixed)

    assert found.has_not_fallen_below(before)
    if TAKEN_BACK.isdisjoint(news.word for news in history.truths):
        assert found == expected
    else:
        assert replace(found, order=expected.order) == expected
    # Here the worker came last; there it may have come before the money went away.
    assert effects_of_plain == [int(expected.order == "paid" and expected.keeps_the_price)] * 4
    assert effects_of_mixed in ([0] * 4, [1] * 4)
    if found.order != "paid" or found.keeps_the_price:
        assert effects_of_mixed == [int(found.order == "paid")] * 4
    sold = [found.order, expected.order].count("paid")
    assert books.stock("candle") == 1_000 - sold
