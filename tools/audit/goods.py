"""The rules about what is given for the money, and about work that is still waiting."""

from collections import Counter
from datetime import timedelta
from typing import Any

from fulfilment import NOTICES
from models import Order, OutboxTask, Payment

from .books import Books, Found
from .money import kept

#: Kinds of tasks by which goods leave, and what they are counted as.
GOODS = {"parcel": "parcels", "download": "downloads", "credit": "credits", "receipt": "receipts"}
#: What an order is told or owed without being paid: about its money, or its subscription.
UNPAID_TOO = ("refund:", "end_subscription:", *NOTICES, *(f"send_notice:{it}" for it in NOTICES))
#: News may wait so long for goods that are just leaving, and is then too late for them.
AT_ONCE = timedelta(seconds=5)


def nothing_is_fulfilled_unpaid(books: Books) -> Found:
    """Neither parcel, download nor credit, nor a receipt, written or sent.

    Refunds are owed for orders that were never paid, too.
    """
    given = {
        "a parcel": [each.order_id for each in books.parcels],
        "a download": [each.order_id for each in books.downloads],
        "credit": [each.order_id for each in books.credits],
        "a letter": [each.order_id for each in books.mails if each.kind not in NOTICES],
        "a letter sent": [each for each in books.letters if "/" not in each],
        "something in the outbox": [
            each.order_id for each in books.tasks if not each.kind.startswith(UNPAID_TOO)
        ],
    }
    for what, order_ids in given.items():
        for order_id in order_ids:
            order = books.order.get(order_id)
            if order is None or order.status != "paid":
                yield order.number if order else order_id, f"is not paid, and has {what}"


def everything_paid_is_fulfilled_once(books: Books) -> Found:
    """A parcel if goods are shipped, each download, each credit, a receipt; and each only once.

    What is held back because the money is gone is owed no more. At the till an address for the
    receipt may never be typed; once it is, the receipt may be sent again.
    """
    held_back = {(task.order_id, GOODS[task.kind]) for task in _held_back(books)}
    given = {
        "parcels": Counter(each.order_id for each in books.parcels),
        "downloads": Counter(each.order_id for each in books.downloads),
        "credits": Counter(each.order_id for each in books.credits),
        "receipts": Counter(each.order_id for each in books.mails if each.kind == "receipt"),
    }
    credit: Counter[str] = Counter()
    for each in books.credits:
        credit[each.order_id] += each.amount
    for order in books.orders:
        if order.status != "paid":
            continue
        owed = {
            "parcels": min(1, len(books.bought[order.id, "ship"])),
            "downloads": len(books.bought[order.id, "download"]),
            "credits": len(books.bought[order.id, "credit"]),
            "receipts": 0 if order.at_till and not order.email else 1,
        }
        for what, count in owed.items():
            if (order.id, what) in held_back:
                count = 0
            if given[what][order.id] != count:
                yield order.number, f"is owed {count} {what}, and has {given[what][order.id]}"
        paid_for = sum(line.total for line in books.bought[order.id, "credit"])
        if (order.id, "credits") in held_back:
            paid_for = 0
        if credit[order.id] != paid_for:
            yield order.number, f"is owed {paid_for} of credit, and has {credit[order.id]}"


def goods_are_held_back_only_without_money(books: Books) -> Found:
    """Held back while the money is all here, they would never leave; and a person is told why."""
    payments = {each.id: each for each in books.payments}
    for task in _held_back(books):
        order = books.order[task.order_id]
        payment, line = payments.get(order.paid_by or ""), books.proven.get(order.paid_by or "")
        if line and 0 < kept(line) >= order.must_keep and line["told"]:
            yield order.number, f"its {task.kind} is held back, and the money is here"
        elif order.credit and not order.paid_by:
            continue  # it was refunded, to its card
        elif payment is None or not (payment.problem or payment.refund_asked):
            yield order.number, f"its {task.kind} is held back without a reason"


def no_goods_leave_after_their_money(books: Books) -> Found:
    """Neither parcel, download, credit nor receipt once news has said that the money is gone."""
    payments = {each.id: each for each in books.payments}
    known: dict[str, Any] = {}
    for delivery in books.deliveries:
        payment = payments.get(delivery.payment_id or "")
        order = books.order[payment.order_id] if payment else None
        if payment is None or order is None or order.paid_by != payment.id:
            continue
        if payment.dispute != "won" and _says_gone(delivery.news or {}, payment, order):
            known.setdefault(order.id, delivery.received_at)
        if payment.dispute == "undone" and (delivery.news or {}).get("status") == "failed":
            known[order.id] = delivery.received_at  # the last: earlier ones may have been old news
    for task in books.tasks:
        late = task.kind in GOODS and task.done_at and task.order_id in known
        if late and task.done_at > known[task.order_id] + AT_ONCE:
            yield books.order[task.order_id].number, f"its {task.kind} left after its money had"


def _says_gone(news: dict[str, Any], payment: Payment, order: Order) -> bool:
    if news.get("dispute") in ("opened", "lost") or news.get("status") == "voided":
        return True
    refunded = news.get("refunded") or 0
    if news.get("status") == "refunded" and news.get("refunded") is None:
        refunded = payment.received
    return refunded > payment.received - order.must_keep


def _held_back(books: Books) -> list[OutboxTask]:
    """Work that was parked because the money is gone."""
    gone = [each for each in books.tasks if (each.last_error or "").startswith("MoneyIsGone")]
    return [each for each in gone if each.kind in GOODS and each.status == "parked"]


def every_letter_is_sent_and_marked(books: Books) -> Found:
    """At least once; a mark without a letter, or a letter without a mark, is a lie."""
    for mail in books.mails:
        number = books.order[mail.order_id].number
        is_receipt = mail.kind.startswith("receipt")  # or a further one
        key = mail.order_id if is_receipt else f"{mail.order_id}/{mail.kind}"
        if not books.letters[key]:
            marked = "is marked as sent" if mail.sent_at else "is still to be sent"
            yield number, f"its {mail.kind} {marked}, and no mail server has seen it"
        elif mail.sent_at is None:
            yield number, f"its {mail.kind} was sent, and is not marked"


def the_stock_is_what_was_not_sold(books: Books) -> Found:
    """At the start, less what paid orders hold."""
    sold: Counter[int] = Counter()
    for line in books.lines:
        if line.product_id and books.order[line.order_id].status == "paid":
            sold[line.product_id] += line.quantity
    for product in books.products:
        before = books.stock[product.id]
        if before is not None and product.stock != before - sold[product.id]:
            yield (
                product.slug,
                f"{before} there were, {sold[product.id]} are sold, and {product.stock} are left",
            )


# ------------------------------------------------------------------ what is still waiting


def the_outbox_is_empty(books: Books) -> Found:
    """Nothing waits; what was given up says why."""
    for task in books.tasks:
        number = books.order[task.order_id].number
        if task.status == "waiting":
            yield number, f"{task.kind} is still waiting, after {task.attempts} attempts"
        elif task.status == "parked" and not task.last_error:
            yield number, f"{task.kind} was given up without a reason"


def no_delivery_waits_for_a_payment_that_is_there(books: Books) -> Found:
    """Parked news is applied as soon as its payment is known."""
    for delivery in books.deliveries:
        payment = books.known.get((delivery.provider, delivery.provider_reference))
        if delivery.verdict == "parked" and payment:
            number = books.order[payment.order_id].number
            yield number, f"{delivery.event} has come, and is applied to nothing"


RULES = (
    nothing_is_fulfilled_unpaid,
    everything_paid_is_fulfilled_once,
    goods_are_held_back_only_without_money,
    no_goods_leave_after_their_money,
    every_letter_is_sent_and_marked,
    the_stock_is_what_was_not_sold,
    the_outbox_is_empty,
    no_delivery_waits_for_a_payment_that_is_there,
)
