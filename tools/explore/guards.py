"""The guards of the house, each of which the explorer can take away: nothing of it is in the shop.

A guard that is off stands for the way in which the same thing is often written. With it, a story
must break: ``shown_by`` names the scenario or the meeting.
"""

from dataclasses import dataclass

import fulfilment
import payments
from jobs import sweeping
from payments import inbox, ladder, release, replaced, surplus
from providers import mintcash
from tools.explore import unguarded
from tools.explore.unguarded import Off


@dataclass(frozen=True)
class Guard:
    """``rule``: the rule of README.md that it keeps. ``lost``: what happens without it."""

    name: str
    where: str
    rule: str
    lost: str
    off: Off
    shown_by: str
    databases: tuple[str, ...] = ("sqlite", "postgresql")


GUARDS = (
    Guard(
        "the signature is checked",
        "providers/proof.py check_hmac()",
        "The signature comes first",
        "anyone who can reach the shop pays an order by a forged webhook",
        unguarded.patched((mintcash, "check_hmac", lambda *_, **__: None)),
        "a forged webhook",
    ),
    Guard(
        "no mark before the proof",
        "payments/inbox.py receive()",
        "The signature comes first",
        "a forged copy makes the true webhook a repeat, and the order waits until the shop asks",
        unguarded.patched((payments, "receive", unguarded.mark_seen_first)),
        "a forged copy comes first",
    ),
    Guard(
        "a return proves nothing",
        "payments/returns.py record_return()",
        "What proves payment",
        "a shopper who types the return's address has paid",
        unguarded.patched((payments, "record_return", unguarded.believe_the_return)),
        "a return that says success",
    ),
    Guard(
        "a key as fine as the fact",
        "providers/mintcash/__init__.py read_webhook()",
        "A key is as fine as the fact",
        "“succeeded” is taken for a repeat of “pending”, and the order waits until the shop asks",
        unguarded.patched((mintcash, "read_webhook", unguarded.key_of_the_payment)),
        "mintcash: paid by webhook",
    ),
    Guard(
        "a payment only climbs",
        "payments/ladder.py climb()",
        "One conditional UPDATE",
        "a late “pending” takes back “succeeded”: money is here, and the shop does not know",
        unguarded.patched((ladder, "climb", unguarded.climb_anywhere)),
        "webhooks out of order",
    ),
    Guard(
        "sums only grow",
        "payments/ladder.py raise_to()",
        "One conditional UPDATE",
        "an old partial sum replaces the whole one, and a paid order has lost its money",
        unguarded.patched((ladder, "raise_to", unguarded.set_to)),
        "an old sum comes late",
    ),
    Guard(
        "an order is paid once",
        "payments/ladder.py mark_paid()",
        "One conditional UPDATE",
        "a second payment pays the order again: its stock is taken twice",
        unguarded.patched((ladder, "mark_paid", unguarded.pay_again)),
        "two payments of one order",
    ),
    Guard(
        "the provider says whose money it is",
        "payments/matching.py find_payment()",
        "What proves payment",
        "a signed webhook about one order pays another one, whose number stands in it",
        unguarded.patched((inbox, "find_payment", unguarded.find_by_ours)),
        "a signed webhook names another order",
    ),
    Guard(
        "the amount decides",
        "payments/ladder.py count_money()",
        "An amount has a currency",
        "a part of the price buys the whole",
        unguarded.patched((ladder, "count_money", unguarded.take_any_amount)),
        "request_network: a part is paid, and no more",
    ),
    Guard(
        "the currency decides",
        "payments/ladder.py count_money()",
        "An amount has a currency",
        "69.00 of a cheaper currency buys what costs 69.00 dollars",
        unguarded.patched((ladder, "count_money", unguarded.take_any_currency)),
        "hitpay: paid in another currency",
    ),
    Guard(
        "a second payment is noticed",
        "payments/surplus.py refund_if_second()",
        "One conditional UPDATE",
        "the shopper has paid twice, and no one is told",
        unguarded.patched((surplus, "refund_if_second", lambda _payment: None)),
        "two payments of one order",
    ),
    Guard(
        "goods are owed in the transaction that pays",
        "fulfilment.py owe_goods()",
        "The database is the truth about work that is owed",
        "killed after the commit, before the work is written down: paid, and never sent",
        unguarded.owe_after_the_commit,
        "mintcash: paid by webhook",
    ),
    Guard(
        "the sweep does what no message woke",
        "jobs/sweeping.py sweep()",
        "The database is the truth about work that is owed",
        "a queue message is lost, and the parcel with it",
        unguarded.patched(
            (sweeping, "work_off_lane", lambda _lane: None),
            (sweeping, "work_off_outbox", lambda: None),
        ),
        "mintcash: paid by asking",
    ),
    Guard(
        "the provider is asked",
        "payments/reconcile.py providers_to_check()",
        "The database is the truth about work that is owed",
        "a webhook is lost, and the order is never paid",
        unguarded.patched((payments, "providers_to_check", lambda: [])),
        "mintcash: paid by asking",
    ),
    Guard(
        "no call inside a transaction",
        "payments/attempts.py start()",
        "No call inside a transaction",
        "the webhook that overtakes the answer finds no payment, or waits for the lock that waits "
        "for it",
        unguarded.call_inside,
        "mintcash: webhook before the answer",
        ("sqlite",),  # on PostgreSQL such webhooks are parked, and applied with the answer
    ),
    Guard(
        "a retry carries the same reference",
        "payments/send_refunds.py send_refund()",
        "No call inside a transaction",
        "the answer to a refund is lost, and it is made twice",
        unguarded.another_reference,
        "a part is refunded, and the answer is lost",
    ),
    Guard(
        "goods leave only while the money is here",
        "payments/reversals.py money_is_here()",
        "Goods leave only while the money is here",
        "a parcel is packed whose money has gone back",
        unguarded.patched((payments, "money_is_here", lambda _order: True)),
        "refunded before the parcel is packed",
    ),
    Guard(
        "a release asks for money",
        "payments/release.py release_order()",
        "Goods leave only while the money is here",
        "a person releases an order whose money was refunded",
        unguarded.patched((release, "is_here", lambda _payment: True)),
        "held, refunded, then released",
    ),
    Guard(
        "what is gone is not sold",
        "fulfilment.py take_stock()",
        "One conditional UPDATE",
        "the last piece is sold twice: the database refuses the second webhook for ever",
        unguarded.patched((fulfilment, "update_one", unguarded.sell_what_is_gone)),
        "the last piece is sold twice",
    ),
    Guard(
        "one order of a changed basket",
        "payments/replaced.py wait_for_rival()",
        "One conditional UPDATE",
        "two orders of one basket, paid at once, are both sent",
        unguarded.patched((replaced, "wait_for_rival", unguarded.without_lock)),
        "both orders of a changed basket are paid",
        ("postgresql",),
    ),
    Guard(
        "writers wait in line",
        "database.py transaction()",
        "One conditional UPDATE",
        "two writers on SQLite: the second finds the database locked, and answers 503",
        unguarded.without_immediate,
        "pay pressed twice",
        ("sqlite",),
    ),
)
