"""What is sold at the till, and where its receipt goes."""

import re
from html import unescape

from tools.explore.browser import Browser
from tools.explore.stories import Move, Scenario
from tools.explore.stories.moves import (
    PAID,
    TRIES,
    TRY_AGAIN_AFTER,
    after,
    fulfil,
    newest_order,
    pay_and_leave,
    sweep,
)
from tools.explore.wire import SHOP
from tools.explore.world import World
from tools.shopper import filled

TILL = "/console/till"


def at_the_till(world: World) -> None:
    """Its form is open, with an amount typed."""
    staff = Browser(world, "staff")
    page = staff.get(f"{SHOP}{TILL}?currency=SGD").text
    staff.notes["till"] = {**filled(page, TILL), "amount": "12.50", "note": "Two bowls"}


def sell(way: str) -> Move:
    """The button of this way; where no code comes of it, it is pressed again a little later."""

    def move(world: World) -> None:
        staff = Browser(world, "staff")
        page = staff.post(f"{SHOP}{TILL}", **staff.notes["till"], way=way).text
        for _ in range(TRIES):
            code = re.search(r'id="page"\s+href="([^"]+)"', page)
            if code:
                break
            world.wait(seconds=TRY_AGAIN_AFTER.total_seconds())
            sale = f"{TILL}/sales/{newest_order(world)}"
            page = staff.fill_in(SHOP + sale, f"{sale}/payments", way=way).text
        scanned = unescape(code[1]) if code else ""
        pages = world.browser.notes.setdefault("pages", [])
        pages.append((scanned, way.partition("/")[0]))

    return move


def open_sale(world: World) -> None:
    """The newest sale's page; what stands in its forms is remembered."""
    staff, sale = Browser(world, "staff"), f"{TILL}/sales/{newest_order(world)}"
    page = staff.get(SHOP + sale).text
    staff.notes["sale"] = sale, filled(page, f"{sale}/letter") or filled(page, f"{sale}/cancel")


def type_address(email: str = "ann@example.com") -> Move:
    """Into the page that is open; the receipt goes there."""

    def move(world: World) -> None:
        staff = Browser(world, "staff")
        sale, form = staff.notes["sale"]
        staff.post(f"{SHOP}{sale}/letter", **{**form, "email": email})

    return move


def cancel(world: World) -> None:
    """The button of the page that is open."""
    staff = Browser(world, "staff")
    sale, form = staff.notes["sale"]
    staff.post(f"{SHOP}{sale}/cancel", **form)


def waiting_at_the_till() -> Move:
    """The shopper has paid, no webhook has come, and the page is open."""
    return after(at_the_till, sell("hitpay"), pay_and_leave(), open_sale)


def scenarios() -> list[Scenario]:
    waiting = after(at_the_till, sell("hitpay"), open_sale)
    paid = after(waiting_at_the_till(), *PAID, open_sale)
    return [
        Scenario("sold at the till", at_the_till, (sell("hitpay"), pay_and_leave(), *PAID)),
        Scenario(
            "at the till, the address is typed before the payment",
            waiting,
            (type_address(), pay_and_leave(), *PAID),
        ),
        Scenario(
            "at the till, the address is typed after the payment",
            paid,
            (type_address(), fulfil),
        ),
        Scenario(
            "at the till, the receipt is sent again",
            after(paid, type_address(), fulfil),
            (type_address("anne@example.com"), fulfil),
        ),
        Scenario("canceled at the till", waiting, (cancel, sweep), ("open",)),
    ]
