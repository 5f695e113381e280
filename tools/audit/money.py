"""The rules about money: what the providers took and sent back, and what the shop knows of it.

A line of the ledger says whether the shop was ``told`` all of it: a webhook that is lost, refused
or wrong is no fault of the shop's, and then it may know less than the provider, but never more.
"""

from collections import defaultdict
from typing import Any

from models import Order

from .books import Books, Found

#: The shop says that the whole of it was taken.
BELIEVED = ("succeeded", "partially_refunded", "refunded")
REFUNDED = ("refunded", "voided")


def every_payment_taken_is_accounted_for(books: Books) -> Found:
    """It paid its order, or the order is held, or it is noted or refunded as one too many.

    Money of no known payment must stand in the console as parked news: where a provider's answer
    was lost, and its webhook does not carry our reference, it cannot be told what it was for.
    """
    parked = {
        (each.provider, each.provider_reference)
        for each in books.deliveries
        if each.verdict == "parked"
    }
    for taken in books.taken:
        if kept(taken) == 0:
            continue
        payment = books.known.get((taken["provider"], taken["id"]))
        if payment is None:
            if (taken["provider"], taken["id"]) not in parked:
                yield taken["id"], f"{_money(taken)} was taken, and the shop has never heard of it"
            continue
        order = books.order[payment.order_id]
        paid_it = order.paid_by == payment.id and order.status in ("paid", "held")
        held_for_it = order.status == "held" and order.paid_by is None
        one_too_many = payment.problem is not None or payment.status in REFUNDED
        if payment.status not in (*BELIEVED, *REFUNDED):
            yield order.number, f"{_money(taken)} was taken, and the shop says {payment.status}"
        elif not (paid_it or held_for_it or one_too_many):
            yield order.number, f"{_money(taken)} was taken on top, and is not noted"


def no_part_of_the_money_is_overlooked(books: Books) -> Found:
    """Where less was taken than was asked for, the shop knows that something has come."""
    for part in books.ledger:
        payment = books.known.get((part["provider"], part["id"]))
        seen = payment and (payment.received or payment.problem)
        if 0 < part["taken"] < part["amount"] and kept(part) and not seen:
            yield part["id"], f"{part['provider']} took {part['taken']} of {part['amount']}, unseen"


def no_order_is_paid_without_money(books: Books) -> Found:
    """One payment paid it, and the provider took at least its total less a gift card's part.

    No payment paid an order whose credit covers all of it.
    """
    for order in books.orders:
        if order.paid_by is None and (order.status != "paid" or order.credit == order.total):
            continue
        taken = books.proven.get(order.paid_by or "")
        payment = next((each for each in books.payments if each.id == order.paid_by), None)
        if payment is None or payment.order_id != order.id:
            yield order.number, "is paid by no payment of its own"
        elif taken is None:
            yield order.number, f"is paid, and {payment.provider} took nothing"
        elif taken["currency"] != order.currency or taken["amount"] < order.total - order.credit:
            yield order.number, f"is paid by {_money(taken)}, which is not its total"


def no_payment_is_believed_that_was_not_taken(books: Books) -> Found:
    """What the shop calls succeeded has succeeded at the provider, in whatever currency."""
    foreign = {(each["provider"], each["id"]) for each in books.ledger if each["foreign"]}
    for payment in books.payments:
        if (payment.provider, payment.provider_reference) in foreign:
            continue
        if payment.status in BELIEVED and payment.id not in books.proven:
            number = books.order[payment.order_id].number
            yield number, f"{payment.provider} took nothing, and the shop says {payment.status}"


def no_money_lies_beside_a_paid_order(books: Books) -> Found:
    """What came for it in another payment, too little or in part, is for a person: it is noted."""
    for payment in books.payments:
        order = books.order[payment.order_id]
        beside = order.paid_by not in (None, payment.id) and payment.received > payment.refunded
        if beside and payment.problem is None:
            yield order.number, f"{payment.provider} has {payment.received} of it, unnoticed"


def the_sums_are_those_of_the_ledger(books: Books) -> Found:
    """What the shop has received, refunded and lost to a bank is what the provider says.

    What it cannot count, such as a second payment of a page without amounts, it has noted. Of
    money in another currency it counts nothing, unless a webhook lies.
    """
    for line in books.ledger:
        payment = books.known.get((line["provider"], line["id"]))
        if payment is None or (line["foreign"] and not line["told"]):
            continue
        number = books.order[payment.order_id].number
        gone = line["refunded"] + line["voided"]
        pairs = (
            ("received", payment.received, line["taken"]),
            ("refunded", payment.refunded, gone),
        )
        for what, shop, provider in pairs:
            unnoted = line["told"] and payment.problem is None
            if shop > provider or (shop < provider and unnoted and payment.received):
                yield number, f"{what} {shop}, and {payment.provider} says {provider}"
        dispute = None if payment.dispute == "undone" else payment.dispute
        if line["told"] and dispute != line["dispute"]:
            yield (
                number,
                f"dispute {payment.dispute}, and {payment.provider} says {line['dispute']}",
            )


def money_is_undone_only_where_the_provider_has_none(books: Books) -> Found:
    """Or less than paid for the order: where it is there again, goods would wait for ever."""
    for payment in books.payments:
        line = books.proven.get(payment.id)
        if payment.dispute == "undone" and line and kept(line) >= line["amount"]:
            yield books.order[payment.order_id].number, f"is undone, and {_money(line)} is there"


def money_that_went_back_is_shown_to_a_person(books: Books) -> Found:
    """Refunded, voided or disputed at the provider's side, where the shop had not asked for it."""
    for line in books.ledger:
        payment = books.known.get((line["provider"], line["id"]))
        if payment is None or not line["told"] or payment.problem:
            continue
        number = books.order[payment.order_id].number
        if line["refunded"] > payment.refund_asked:
            yield number, f"{line['refunded']} was refunded unasked, and that is not noted"
        if line["voided"] and payment.received:  # or it was gone before the shop had heard of it
            yield number, f"{line['voided']} was voided, and that is not noted"
        if line["dispute"]:
            yield number, f"a dispute is {line['dispute']}, and that is not noted"


def money_beyond_the_price_is_shown_to_a_person(books: Books) -> Found:
    """A page that was paid twice, and the second payment did not go back."""
    for line in books.ledger:
        payment = books.known.get((line["provider"], line["id"]))
        if payment and line["told"] and kept(line) > line["amount"] and not payment.problem:
            number = books.order[payment.order_id].number
            yield number, f"{kept(line)} is here, {line['amount']} was asked for: not noted"


def money_in_another_currency_is_shown_to_a_person(books: Books) -> Found:
    """It is worth what a person says; an order that it paid would be paid without money."""
    for line in books.ledger:
        payment = books.known.get((line["provider"], line["id"]))
        if payment and any(line["foreign"].values()) and not payment.problem:
            number = books.order[payment.order_id].number
            yield number, f"{line['foreign']} came for it, and that is not noted"


def one_order_of_a_chain_is_paid(books: Books) -> Found:
    """Of orders that replaced one another; what was taken for another is refunded or noted."""
    chains: dict[str, list[Order]] = defaultdict(list)
    for order in books.orders:
        if order.chain_id:
            chains[order.chain_id].append(order)
    for chain in chains.values():
        paid = [order for order in chain if order.paid_at]
        if len(paid) > 1:
            yield paid[1].number, f"is paid, and so is {paid[0].number}, which it replaced"
        for payment in books.payments:
            order = books.order[payment.order_id]
            line = books.proven.get(payment.id)
            beside = paid and order in chain and order not in paid
            if beside and line and kept(line) and payment.problem is None:
                yield order.number, f"{_money(line)} came for it, and {paid[0].number} was paid"


def every_held_order_says_why(books: Books) -> Found:
    """A person who is to look at it must know what for."""
    for order in books.orders:
        if order.status == "held" and not (order.held_code and order.held_reason):
            yield order.number, "is held without a reason"


def kept(line: dict[str, Any]) -> int:
    """Minor units that the provider took and still has for the shop."""
    if line["dispute"] in ("opened", "lost"):
        return 0
    left: int = line["taken"] - line["refunded"] - line["voided"]
    return max(left, 0)


def _money(taken: dict[str, Any]) -> str:
    return f"{taken['provider']}: {taken['amount']} minor units of {taken['currency']}"


RULES = (
    every_payment_taken_is_accounted_for,
    no_part_of_the_money_is_overlooked,
    no_order_is_paid_without_money,
    no_payment_is_believed_that_was_not_taken,
    no_money_lies_beside_a_paid_order,
    the_sums_are_those_of_the_ledger,
    money_is_undone_only_where_the_provider_has_none,
    money_that_went_back_is_shown_to_a_person,
    money_beyond_the_price_is_shown_to_a_person,
    money_in_another_currency_is_shown_to_a_person,
    one_order_of_a_chain_is_paid,
    every_held_order_says_why,
)
