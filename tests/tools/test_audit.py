"""The audit that ``make soak`` ends with: books that agree pass, and each rule sees its own spoil.

A rule that cannot fail proves nothing.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from database import now
from models import (
    Credit,
    CreditEntry,
    CreditUse,
    Delivery,
    Download,
    Mail,
    Order,
    OrderLine,
    OutboxTask,
    Parcel,
    Payment,
    Product,
    Subscription,
)
from tools import audit
from tools.audit import Books, credit, goods, money, subscriptions

VASE, BOOK, CARD = 1, 2, 3  # products: shipped, downloaded, store credit


def line(order_id: str, product_id: int, fulfilment: str, price: int) -> OrderLine:
    return OrderLine(
        order_id=order_id,
        product_id=product_id,
        fulfilment=fulfilment,
        unit_price=price,
        quantity=1,
    )


def payment(payment_id: str, order_id: str, status: str = "succeeded", **more: Any) -> Payment:
    return Payment(
        id=payment_id,
        order_id=order_id,
        provider="mintcash",
        provider_reference=f"theirs-of-{payment_id}",
        status=status,
        received=6900 if status == "succeeded" else 0,
        refunded=0,
        refund_asked=0,
        **more,
    )


def taken(payment_id: str, taken: int = 6900, **more: Any) -> dict[str, Any]:
    """A line of the sandbox's ledger."""
    return {
        "provider": "mintcash",
        "id": f"theirs-of-{payment_id}",
        "externalId": payment_id,
        "amount": 6900,
        "currency": "USD",
        "taken": taken,
        "refunded": 0,
        "voided": 0,
        "foreign": {},
        "dispute": None,
        "told": True,
        **more,
    }


def order(number: str, status: str, **more: Any) -> Order:
    usual = {
        **{"total": 6900, "must_keep": 6900 if status == "paid" else 0},
        **{"credit": 0, "paid_at": now() if "paid_by" in more else None},
    }
    return Order(
        id=number.lower(),
        number=number,
        status=status,
        currency="USD",
        **{**usual, **more},
    )


def entry(credit_id: int, order_id: str, kind: str, amount: int) -> CreditEntry:
    return CreditEntry(credit_id=credit_id, order_id=order_id, kind=kind, amount=amount)


def month(number: int) -> dict[str, Any]:
    return {"subscription_id": "kk-month0", "period_start": now() + timedelta(days=30 * number)}


def honest_books() -> Books:
    """Orders paid, paid twice, held for stock, unpaid, paid with a card, and three months' worth.

    The last month's could not be charged, and its shopper has a letter about that.
    """
    paid = ("kk-paid", "kk-twice")
    return Books(
        ledger=[taken("p1"), taken("p2"), taken("p3"), taken("p4"), taken("p5", 0)],
        stock={VASE: 3, BOOK: None, CARD: None},
        letters=Counter({"kk-paid": 1, "kk-twice": 2, "kk-card": 1, "kk-month2/past_due": 1}),
        orders=[
            order("KK-PAID", "paid", paid_by="p1"),
            order("KK-TWICE", "paid", paid_by="p2"),
            order("KK-HELD", "held", paid_by="p4", held_code="stock", held_reason="gone"),
            order("KK-OPEN", "open"),
            order("KK-CARD", "paid", total=1200, credit=1200, paid_at=now(), must_keep=0),
            *(order(f"KK-MONTH{it}", "open", **month(it)) for it in range(3)),
        ],
        lines=[
            each
            for order_id in (*paid, "kk-held", "kk-open")
            for each in (
                line(order_id, VASE, "ship", 3200),
                line(order_id, BOOK, "download", 1200),
                line(order_id, CARD, "credit", 2500),
            )
        ],
        payments=[
            payment("p1", "kk-paid"),
            payment("p2", "kk-twice"),
            payment("p3", "kk-twice", problem="second payment: refund it"),
            payment("p4", "kk-held"),
            payment("p5", "kk-open", "failed"),
        ],
        tasks=[
            OutboxTask(order_id=order_id, kind=kind, attempts=1, parked=False, done_at=now())
            for order_id in paid
            for kind in ("parcel", "download", "credit", "receipt", "send_receipt")
        ]
        + [
            OutboxTask(
                order_id="kk-held", kind="refund:p4", attempts=1, parked=False, done_at=now()
            )
        ],
        parcels=[Parcel(order_id=order_id) for order_id in paid],
        downloads=[Download(order_id=order_id, product_id=BOOK) for order_id in paid],
        credits=[
            Credit(id=number, order_id=order_id, product_id=CARD, amount=2500, balance=left)
            for number, order_id, left in ((1, "kk-paid", 2500), (2, "kk-twice", 1300))
        ],
        entries=[
            entry(1, "kk-paid", "issued", 2500),
            entry(2, "kk-twice", "issued", 2500),
            *(entry(2, "kk-card", "reserved", -1200), entry(2, "kk-card", "freed", 1200)),
            entry(2, "kk-card", "spent", -1200),
        ],
        uses=[CreditUse(order_id="kk-card", credit_id=2, amount=1200, status="spent")],
        mails=[
            Mail(order_id=order_id, kind="receipt", sent_at=now())
            for order_id in (*paid, "kk-card")
        ]
        + [Mail(order_id="kk-month2", kind="past_due", sent_at=now())],
        deliveries=[
            Delivery(
                provider="mintcash", provider_reference="a-stranger", event="", verdict="parked"
            )
        ],
        subscriptions=[Subscription(order_id="kk-month0", every_days=30)],
        products=[
            Product(id=VASE, slug="bud-vase", stock=1),
            Product(id=BOOK, slug="cookbook", stock=None),
            Product(id=CARD, slug="gift-card", stock=None),
        ],
    )


def test_books_that_agree_pass() -> None:
    assert audit.audit(honest_books()) == []


# ------------------------------------------------------------------ each spoils one thing


def forget_the_payment(books: Books) -> None:
    del books.payments[2]  # the second of KK-TWICE


def miss_the_news(books: Books) -> None:
    books.payments[2].status = "expired"


def hide_the_second_payment(books: Books) -> None:
    books.payments[2].problem = None


def keep_money_for_an_open_order(books: Books) -> None:
    books.ledger.append(taken("p6"))
    books.payments.append(payment("p6", "kk-open"))


def pay_with_a_failed_payment(books: Books) -> None:
    books.ledger[0]["taken"] = 0
    books.payments[0].status = "failed"
    books.payments[0].received = 0


def overlook_a_part(books: Books) -> None:
    books.ledger[4] |= {"taken": 500, "told": False}


def pay_with_a_cent(books: Books) -> None:
    books.ledger[0]["amount"] = books.ledger[0]["taken"] = books.payments[0].received = 1


def pay_in_another_currency(books: Books) -> None:
    books.ledger[0]["currency"] = "TTD"


def pay_with_another_orders_payment(books: Books) -> None:
    books.orders[0].paid_by = "p4"
    books.payments[0].problem = "noted"


def pay_with_nothing(books: Books) -> None:
    books.orders[0].paid_by = None
    books.payments[0].problem = "noted"


def believe_a_forged_success(books: Books) -> None:
    books.payments[4].status = "succeeded"


def forget_a_part_that_came(books: Books) -> None:
    books.payments.append(payment("p7", "kk-paid", "partially_paid"))
    books.payments[-1].received = 500


def count_more_than_was_taken(books: Books) -> None:
    books.payments[0].received = 13800


def count_less_than_was_taken(books: Books) -> None:
    books.payments[0].received = 5000


def miss_a_refund(books: Books) -> None:
    books.ledger[0]["refunded"] = 1000
    books.payments[0].refund_asked = 1000


def refund_what_was_never_sent(books: Books) -> None:
    books.payments[0].refunded = 1000


def miss_a_dispute(books: Books) -> None:
    books.ledger[0]["dispute"] = "lost"
    books.payments[0].problem = "the payer's bank disputes this payment"


def refund_at_the_provider(books: Books) -> None:
    books.ledger[0]["refunded"] = books.payments[0].refunded = 1000


def void_at_the_provider(books: Books) -> None:
    books.ledger[0]["voided"] = books.payments[0].refunded = 6900


def win_a_dispute(books: Books) -> None:
    books.ledger[0]["dispute"] = books.payments[0].dispute = "won"


def keep_a_second_charge(books: Books) -> None:
    books.ledger[0]["taken"] = books.payments[0].received = 13800


def pay_with_foreign_money(books: Books) -> None:
    books.ledger[3] |= {"taken": 0, "foreign": {"MYR": 28980}}
    books.payments[3].received = 0
    books.payments[3].status = "pending"
    books.payments[3].problem = "asked for US$69.00, the news is about MYR 289.80"


def keep_foreign_money_silently(books: Books) -> None:
    books.ledger[4]["foreign"] = {"MYR": 28980}


def pay_both_of_two_orders(books: Books) -> None:
    books.orders[0].chain_id = books.orders[1].chain_id = "kk-paid"


def keep_money_for_a_replaced_order(books: Books) -> None:
    books.orders[0].chain_id = books.orders[3].chain_id = "kk-paid"
    books.orders[3].status, books.orders[3].held_code = "held", "replaced"
    books.orders[3].held_reason = "the shopper changed the cart"
    books.ledger.append(taken("p6"))
    books.payments.append(payment("p6", "kk-open"))


def hold_without_a_word(books: Books) -> None:
    books.orders[2].held_reason = None


def pack_a_parcel_for_nothing(books: Books) -> None:
    books.parcels.append(Parcel(order_id="kk-open"))


def open_a_download_for_nothing(books: Books) -> None:
    books.downloads.append(Download(order_id="kk-held", product_id=BOOK))


def issue(books: Books, order_id: str) -> None:
    card = Credit(id=3, order_id=order_id, product_id=CARD, amount=2500, balance=2500)
    books.credits.append(card)
    books.entries.append(entry(3, order_id, "issued", 2500))


def give_credit_for_nothing(books: Books) -> None:
    issue(books, "kk-open")


def thank_for_nothing(books: Books) -> None:
    books.letters["kk-open"] = 1


def owe_something_for_nothing(books: Books) -> None:
    task = OutboxTask(order_id="kk-open", kind="parcel", attempts=1, parked=False, done_at=now())
    books.tasks.append(task)


def hold_back(books: Books, problem: str | None) -> None:
    """The parcel of KK-PAID is parked, as its money is said to be gone."""
    del books.parcels[0]
    books.tasks[0].done_at = None
    books.tasks[0].parked = True
    books.tasks[0].last_error = "MoneyIsGone: refunded since it was paid"
    books.payments[0].problem = problem


def hold_back_what_is_paid(books: Books) -> None:
    hold_back(books, "noted")


def hold_back_without_a_word(books: Books) -> None:
    hold_back(books, None)
    books.ledger[0] |= {"refunded": 1000, "told": False}


def pack_what_was_refunded(books: Books, **news: Any) -> None:
    """The provider's word for KK-PAID came ten seconds before its goods left."""
    for task in books.tasks:
        task.done_at = now()
    said = {"status": None, "refunded": None, "dispute": None, **news}
    came = now() - timedelta(seconds=10)
    books.deliveries.append(
        Delivery(provider="mintcash", payment_id="p1", event="", received_at=came, news=said)
    )


def pack_after_a_refund(books: Books) -> None:
    pack_what_was_refunded(books, status="refunded")


def pack_after_a_part_was_refunded(books: Books) -> None:
    pack_what_was_refunded(books, status="partially_refunded", refunded=1)


def pack_after_a_void(books: Books) -> None:
    pack_what_was_refunded(books, status="voided")


def pack_during_a_dispute(books: Books) -> None:
    pack_what_was_refunded(books, dispute="opened")


def pack_after_a_chain_undid_what_paid(books: Books) -> None:
    pack_what_was_refunded(books, status="failed")
    books.payments[0].dispute = "undone"
    books.ledger[0] |= {"voided": 6900, "told": False}


def call_undone_what_is_there(books: Books) -> None:
    books.payments[0].dispute = "undone"


def pack_nothing(books: Books) -> None:
    del books.parcels[0]


def pack_twice(books: Books) -> None:
    books.parcels.append(Parcel(order_id="kk-paid"))


def forget_the_download(books: Books) -> None:
    del books.downloads[0]


def give_credit_twice(books: Books) -> None:
    issue(books, "kk-paid")


def give_less_credit(books: Books) -> None:
    books.credits[0].amount = books.credits[0].balance = books.entries[0].amount = 2499


def write_no_receipt(books: Books) -> None:
    del books.mails[0]


def mark_what_was_never_sent(books: Books) -> None:
    del books.letters["kk-paid"]


def send_without_a_mark(books: Books) -> None:
    books.mails[0].sent_at = None


def sell_without_taking_stock(books: Books) -> None:
    books.products[0].stock = 2


def take_stock_twice(books: Books) -> None:
    books.products[0].stock = 0


def leave_work_undone(books: Books) -> None:
    books.tasks[0].done_at = None
    books.tasks[0].due_at = now() + timedelta(seconds=5)


def give_up_without_a_word(books: Books) -> None:
    books.tasks[0].done_at = None
    books.tasks[0].parked = True


def leave_news_parked(books: Books) -> None:
    books.deliveries[0].provider_reference = "theirs-of-p1"


def lose_a_notice(books: Books) -> None:
    del books.letters["kk-month2/past_due"]


def charge_a_month_twice(books: Books) -> None:
    books.orders.append(order("KK-AGAIN", "open", **month(1)))


def skip_a_month(books: Books) -> None:
    books.orders.append(order("KK-LATER", "open", **month(4)))


def forget_to_cancel(books: Books) -> None:
    books.subscriptions[0].cancel_asked_at = now()


def change_a_balance(books: Books) -> None:
    books.credits[0].balance -= 1


def issue_more_than_was_paid_for(books: Books) -> None:
    books.entries[0].amount += 1
    books.credits[0].balance += 1


def spend_credit_twice(books: Books) -> None:
    books.entries.append(entry(2, "kk-card", "spent", -1200))
    books.credits[1].balance -= 1200


def spend_credit_of_another_card(books: Books) -> None:
    books.entries.append(entry(1, "kk-card", "spent", -1200))
    books.credits[0].balance -= 1200


def reserve_for_an_order_that_is_paid(books: Books) -> None:
    books.uses[0].status = "reserved"
    del books.entries[-2:]  # freed and spent


def pay_with_credit_of_no_card(books: Books) -> None:
    books.uses.clear()
    del books.entries[-3:]
    books.credits[1].balance = 2500


def pay_with_less_credit_than_the_total(books: Books) -> None:
    books.order["kk-card"].total += 100


SPOILED_BY: dict[Callable[[Books], audit.Found], tuple[Callable[[Books], None], ...]] = {
    money.every_payment_taken_is_accounted_for: (
        forget_the_payment,
        miss_the_news,
        keep_money_for_an_open_order,
    ),
    money.no_part_of_the_money_is_overlooked: (overlook_a_part,),
    money.no_order_is_paid_without_money: (
        pay_with_a_failed_payment,
        pay_with_a_cent,
        pay_in_another_currency,
        pay_with_another_orders_payment,
        pay_with_nothing,
        pay_with_foreign_money,
        pay_with_less_credit_than_the_total,
    ),
    money.no_payment_is_believed_that_was_not_taken: (believe_a_forged_success,),
    money.no_money_lies_beside_a_paid_order: (forget_a_part_that_came,),
    money.the_sums_are_those_of_the_ledger: (
        count_more_than_was_taken,
        count_less_than_was_taken,
        miss_a_refund,
        refund_what_was_never_sent,
        miss_a_dispute,
    ),
    money.money_is_undone_only_where_the_provider_has_none: (call_undone_what_is_there,),
    money.money_that_went_back_is_shown_to_a_person: (
        refund_at_the_provider,
        void_at_the_provider,
        win_a_dispute,
    ),
    money.money_beyond_the_price_is_shown_to_a_person: (keep_a_second_charge,),
    money.money_in_another_currency_is_shown_to_a_person: (keep_foreign_money_silently,),
    money.one_order_of_a_chain_is_paid: (
        pay_both_of_two_orders,
        keep_money_for_a_replaced_order,
    ),
    money.every_held_order_says_why: (hold_without_a_word,),
    credit.the_balance_is_the_sum_of_its_entries: (change_a_balance,),
    credit.a_card_is_issued_once: (issue_more_than_was_paid_for,),
    credit.no_credit_is_spent_twice: (spend_credit_twice, spend_credit_of_another_card),
    credit.what_is_reserved_belongs_to_an_open_order: (
        pay_with_credit_of_no_card,
        reserve_for_an_order_that_is_paid,
    ),
    goods.nothing_is_fulfilled_unpaid: (
        pack_a_parcel_for_nothing,
        open_a_download_for_nothing,
        give_credit_for_nothing,
        thank_for_nothing,
        owe_something_for_nothing,
    ),
    goods.everything_paid_is_fulfilled_once: (
        pack_nothing,
        pack_twice,
        forget_the_download,
        give_credit_twice,
        give_less_credit,
        write_no_receipt,
    ),
    goods.goods_are_held_back_only_without_money: (
        hold_back_what_is_paid,
        hold_back_without_a_word,
    ),
    goods.no_goods_leave_after_their_money: (
        pack_after_a_refund,
        pack_after_a_part_was_refunded,
        pack_after_a_void,
        pack_during_a_dispute,
        pack_after_a_chain_undid_what_paid,
    ),
    goods.every_letter_is_sent_and_marked: (
        mark_what_was_never_sent,
        send_without_a_mark,
        lose_a_notice,
    ),
    subscriptions.no_period_has_two_orders: (charge_a_month_twice,),
    subscriptions.no_period_is_left_out: (skip_a_month,),
    subscriptions.what_is_cancelled_was_told: (forget_to_cancel,),
    goods.the_stock_is_what_was_not_sold: (sell_without_taking_stock, take_stock_twice),
    goods.the_outbox_is_empty: (leave_work_undone, give_up_without_a_word),
    goods.no_delivery_waits_for_a_payment_that_is_there: (leave_news_parked,),
}


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        pytest.param(rule, spoil, id=spoil.__name__)
        for rule, spoils in SPOILED_BY.items()
        for spoil in spoils
    ],
)
def test_a_rule_sees_what_breaks_it_and_no_other_rule_does(
    rule: Callable[[Books], audit.Found], spoil: Callable[[Books], None]
) -> None:
    books = honest_books()

    spoil(books)

    assert {each.rule for each in audit.audit(books)} == {rule.__name__}


def test_every_rule_can_fail() -> None:
    assert set(SPOILED_BY) == set(audit.RULES)


def test_money_that_no_order_matches_must_at_least_stand_in_the_console() -> None:
    """The answer to our call was lost, and the webhook does not carry our reference."""
    books = honest_books()
    books.ledger.append({**taken("p9"), "id": "a-stranger"})

    assert audit.audit(books) == []

    del books.deliveries[0]
    (violation,) = audit.audit(books)
    assert violation.about == "a-stranger"
    assert "the shop has never heard of it" in violation.reason


@pytest.mark.parametrize("fault", ["untold", "gone", "gone early", "foreign"])
def test_the_shop_is_not_asked_for_what_it_cannot_know_or_count(fault: str) -> None:
    """A lost webhook about a refund; a chain that was reorganised early; ringgit for dollars."""
    books = honest_books()
    if fault == "foreign":
        books.ledger[4] |= {"foreign": {"MYR": 28980}}
        books.payments[4].status = "succeeded"
        books.payments[4].problem = "asked for US$69.00, the news is about MYR 289.80"
        books.orders[3].status, books.orders[3].held_code = "held", "currency"
        books.orders[3].held_reason = books.payments[4].problem
    elif fault == "untold":
        books.ledger[0] |= {"refunded": 6900, "dispute": "lost", "told": False}
    else:
        books.ledger[4] |= {"taken": 6900, "voided": 6900, "told": fault == "gone early"}

    assert audit.audit(books) == []


def test_a_violation_names_the_order_and_the_reason() -> None:
    books = honest_books()

    sell_without_taking_stock(books)
    pay_with_a_cent(books)

    assert [(each.about, each.reason) for each in audit.audit(books)] == [
        ("KK-PAID", "is paid by mintcash: 1 minor units of USD, which is not its total"),
        ("bud-vase", "3 there were, 2 are sold, and 2 are left"),
    ]
