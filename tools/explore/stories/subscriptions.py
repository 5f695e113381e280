"""What is charged again each month: renewed, missed, cancelled, and told of or not."""

from tools.explore.stories import Meeting, Move, Scenario
from tools.explore.stories.moves import (
    PAID,
    after,
    at_the_checkout,
    choose_again,
    deliver,
    deliver_one,
    faults,
    fulfil,
    happens,
    newest_order,
    pay,
    pay_and_leave,
    press_pay,
    sweep,
    wait,
)
from tools.explore.wire import SHOP
from tools.explore.world import World


def cancel_it(world: World) -> None:
    """By the form of the newest order's page."""
    page = f"/orders/{newest_order(world)}"
    world.browser.fill_in(f"{SHOP}{page}", f"{page}/cancel-subscription")


def subscribed() -> Move:
    """A monthly coffee is bought, paid and packed."""
    return after(
        after(at_the_checkout("monthly-coffee"), press_pay("mintcash"), pay_and_leave()),
        after(*PAID, wait(hours=1)),
    )


def meetings() -> list[Meeting]:
    """News of a month meets the question about it, and the wish to cancel."""
    renewed = after(subscribed(), happens("renew"))
    return [
        Meeting(
            "a month's webhook and the look-up",
            after(renewed, wait(days=30, hours=3)),
            {"webhook": deliver_one, "worker": sweep},
            ("paid", "paid"),
        ),
        Meeting(
            "the wish to cancel and a month's webhook",
            renewed,
            {"shopper": cancel_it, "webhook": deliver_one},
            ("paid", "paid/held"),
        ),
        Meeting(
            "the call that cancels and a month's webhook",
            after(renewed, cancel_it),
            {"worker": fulfil, "webhook": deliver_one},
            ("paid", "held"),
        ),
    ]


def scenarios() -> list[Scenario]:
    press, renew, lost = press_pay("mintcash"), happens("renew"), faults(delivery_fault="drop")
    at_the_coffee = at_the_checkout("monthly-coffee")
    behind = after(subscribed(), happens("decline"), renew, deliver, sweep, wait(minutes=1), fulfil)
    second = after(
        after(at_the_coffee, press, pay({"fault": "pay_late"}), deliver, sweep),
        after(wait(minutes=1), choose_again("mintcash"), pay_and_leave()),
    )
    return [
        Scenario("a subscription begins", at_the_coffee, (press, pay_and_leave(), *PAID)),
        Scenario(
            "a month later",
            subscribed(),
            (renew, deliver, wait(minutes=1), fulfil),
            ("paid", "paid"),
        ),
        Scenario(
            "a month later, and its webhook is lost",
            after(subscribed(), lost, renew, wait(days=30, hours=3)),
            (sweep,),
            ("paid", "paid"),
        ),
        Scenario(
            "two months without news",
            after(subscribed(), lost, renew, renew, wait(days=60, hours=3)),
            (sweep,),
            ("paid", "held/paid", "held/paid"),  # made at one moment
        ),
        Scenario(
            "nothing is told, not even of the first month",
            after(at_the_coffee, press, pay_and_leave({"delivery_fault": "drop"}), renew, renew),
            (wait(minutes=5), sweep),
            ("held", "held/paid", "held/paid"),
        ),
        Scenario(
            "the provider charges days too late",
            after(subscribed(), wait(days=33)),
            (sweep, deliver, fulfil),
            ("paid", "paid"),
        ),
        Scenario(
            "a month is declined",
            after(subscribed(), happens("decline")),
            (renew, deliver, sweep, wait(minutes=1), fulfil),
            ("paid", "open"),
        ),
        Scenario(
            "a month is declined, and nothing was told before",
            after(at_the_coffee, press, pay_and_leave({"delivery_fault": "drop"})),
            (happens("decline"), renew, wait(minutes=5), sweep),
            ("held",),
            if_killed=("held/paid",),
        ),
        Scenario(
            "a month is declined, and tried again",
            behind,
            (happens("accept"), renew, deliver, fulfil),
            ("paid", "paid"),
        ),
        Scenario(
            "a month is declined, and paid another way",
            behind,
            (choose_again("hitpay"), pay_and_leave(), *PAID),
            ("paid", "paid"),
        ),
        Scenario(
            "a month is paid another way, and then charged",
            after(behind, choose_again("hitpay"), pay_and_leave(), *PAID, happens("accept")),
            (renew, deliver, fulfil),
            ("paid", "paid"),
        ),
        Scenario(
            "cancelled by the shopper",
            subscribed(),
            (cancel_it, fulfil, deliver, wait(minutes=1), fulfil),
        ),
        Scenario(
            "cancelled at the provider",
            subscribed(),
            (happens("cancel_subscription"), deliver, fulfil),
        ),
        Scenario(
            "charged after the wish to cancel",
            subscribed(),
            (cancel_it, renew, deliver, fulfil, deliver, wait(minutes=1), fulfil),
            ("paid", "held"),
            if_killed=("paid", "paid/held"),
        ),
        Scenario(
            "a second subscription for one order",
            second,
            (deliver, fulfil, deliver, fulfil),
        ),
        Scenario(
            "a second subscription is charged again",
            second,
            (deliver, happens("renew", number=0), deliver, fulfil, deliver, fulfil),
            ("paid", "held"),
            if_killed=("paid", "held/paid"),  # either of them may pay first
        ),
    ]
