"""The rules about gift cards: the ledger adds up, and no credit is spent twice."""

from collections import Counter, defaultdict

from .books import Books, Found


def the_balance_is_the_sum_of_its_entries(books: Books) -> Found:
    """Of each card, and never below zero."""
    sums: Counter[int] = Counter()
    for entry in books.entries:
        sums[entry.credit_id] += entry.amount
    for card in books.credits:
        number = books.order[card.order_id].number
        if card.balance != sums[card.id] or card.balance < 0:
            yield number, f"its card has {card.balance}, and its entries say {sums[card.id]}"


def a_card_is_issued_once(books: Books) -> Found:
    """For its worth. By all these rules, that is what is spent, reserved, left and withdrawn."""
    issued: Counter[int] = Counter()
    for entry in books.entries:
        issued[entry.credit_id] += entry.amount if entry.kind == "issued" else 0
    for card in books.credits:
        if card.amount != issued[card.id]:
            number = books.order[card.order_id].number
            yield number, f"its card is worth {card.amount}, and {issued[card.id]} was issued"


def no_credit_is_spent_twice(books: Books) -> Found:
    """The entries of an order, all of one card, say what its use says: reserved, spent, or none."""
    moved: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for entry in books.entries:
        pair = "reserved" if entry.kind in ("reserved", "freed") else "spent"
        if entry.kind in ("reserved", "freed", "spent", "returned"):
            moved[entry.credit_id, entry.order_id][pair] -= entry.amount
    for use in books.uses:
        number = books.order[use.order_id].number
        for status in ("reserved", "spent"):
            wanted = use.amount if use.status == status else 0
            found = moved[use.credit_id, use.order_id].pop(status, 0)
            if found != wanted:
                yield number, f"{use.status}, and its entries say {found} {status}"
    for (_, order_id), others in moved.items():
        for status, amount in others.items():
            if amount:
                yield (
                    books.order[order_id].number,
                    f"{amount} {status}, of a card that pays no part",
                )


def what_is_reserved_belongs_to_an_open_order(books: Books) -> Found:
    """Or to a held one that is not paid: a person decides. What a paid order owes is spent."""
    uses = {use.order_id: use for use in books.uses}
    for order in books.orders:
        use = uses.get(order.id)
        if (use.amount if use else 0) != order.credit:
            yield order.number, f"a card pays {order.credit} of it, and that is not in the books"
        elif use and use.status == "reserved" and order.paid_at:
            yield order.number, "is paid, and its credit is still reserved"
        elif use and use.status in ("spent", "returned") and not order.paid_at:
            yield order.number, f"is not paid, and its credit is {use.status}"
        elif use and use.status == "freed" and order.paid_at:
            yield order.number, "is paid, and its credit was freed"


RULES = (
    the_balance_is_the_sum_of_its_entries,
    a_card_is_issued_once,
    no_credit_is_spent_twice,
    what_is_reserved_belongs_to_an_open_order,
)
