"""What is explored: scenarios in which the process dies, and meetings of two or three actors.

``providers`` draws scenarios from what each provider can do; ``money``, ``credit``,
``subscriptions``, ``goods``, ``attacks``, ``odd`` and ``till`` hold those of the shop, ``meetings``
who meets whom; ``moves``, ``staff`` and ``messages`` are their words.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from database import db
from models import Order
from tools.audit import audit
from tools.explore.points import acting
from tools.explore.world import World

Move = Callable[[World], object]


@dataclass(frozen=True)
class Scenario:
    """One way that a purchase can go.

    ``prepare``: what came before; nothing dies in it. ``moves``: one after the other, and the
    process dies at each point of each. ``ends``: the statuses of the orders, oldest first, when the
    shopper has stayed; an order may end in one of several, as in "paid/held".
    """

    name: str
    prepare: Move
    moves: tuple[Move, ...]
    ends: tuple[str, ...] = ("paid",)
    #: The same, where a death may make it end in another way.
    if_killed: tuple[str, ...] | None = None
    #: Whether a shopper who leaves at an error is tried as well.
    may_leave: bool = True
    #: What has gone back in the end, in minor units; None where that is not what it is about.
    refunded: int | None = None


@dataclass(frozen=True)
class Meeting:
    """Two or three who meet: each is a thread of its own, and one of them moves at a time.

    ``ends`` as in :class:`Scenario`; None where it may be any number of orders.
    """

    name: str
    prepare: Move
    actors: Mapping[str, Move]
    ends: tuple[str, ...] | None = ("paid",)


def violations(world: World, ends: tuple[str, ...] | None) -> list[str]:
    """What is wrong when nothing is due any more; a sentence each."""
    books = world.books()
    found = [f"{each.about} {each.reason} ({each.rule})" for each in audit(books)]
    return [*found, *world.errors, *wrong_ends(world, ends)]


def wrong_ends(world: World, ends: tuple[str, ...] | None) -> list[str]:
    """Whether the orders, oldest first, are as they should be."""
    with acting(None), world.shop.app_context():
        was = tuple(db.session.scalars(select(Order.status).order_by(Order.created_at)))
    if ends is None or _fits(was, ends):
        return []
    return [f"the orders are {' and '.join(was) or 'none'}, not {' and '.join(ends)}"]


def _fits(was: tuple[str, ...], ends: tuple[str, ...]) -> bool:
    """``was`` is one of the ways in which the orders may end."""
    return len(was) == len(ends) and all(
        each in allowed.split("/") for each, allowed in zip(was, ends, strict=True)
    )
