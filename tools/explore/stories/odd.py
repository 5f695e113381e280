"""What comes seldom, and must end well all the same."""

from tests.providers import case_of
from tools.explore.stories import Scenario
from tools.explore.stories.messages import says
from tools.explore.stories.moves import (
    PAID,
    START,
    after,
    deliver,
    faults,
    fulfil,
    happens,
    pay,
    pay_and_leave,
    post_our_form,
    press_pay,
    providers_are_away,
    sweep,
    wait,
    with_account,
)
from tools.explore.stories.staff import in_the_console, refund, retry


def scenarios() -> list[Scenario]:
    """What comes seldom, and must end well all the same."""
    press, coins = press_pay("mintcash"), press_pay("request_network")
    part = case_of("request_network").page.pays_a_part or {}
    in_part = after(START, coins, pay_and_leave(part), deliver)
    bought = after(START, press, pay_and_leave(), *PAID)
    itemized = after(START, with_account("request_network", itemized=True), coins)
    return [
        Scenario("no one pays", after(START, press, wait(hours=2)), (sweep,), ("open",)),
        Scenario(
            "the provider refuses our keys",
            after(START, faults(create_fault="401", create_calls="9")),
            (press_pay("wipay"), faults(create_fault="none"), press, pay_and_leave(), *PAID),
        ),
        Scenario(
            "the provider does not answer for a day",
            after(START, press, providers_are_away, wait(hours=30)),
            (sweep,),
            ("open",),
        ),
        Scenario(
            "news that contradicts itself",
            after(START, press),
            (says("payment.succeeded", status="failed"), sweep),
            ("held",),
        ),
        Scenario(
            "a part came, and time is over",
            after(in_part, wait(days=8)),
            (sweep,),
            ("held",),
        ),
        Scenario(
            "a part came, and the chain took it back",
            after(in_part, faults(delivery_fault="drop"), happens("reorganise"), wait(minutes=5)),
            (sweep, deliver),
            ("open/held",),
        ),
        Scenario(
            "paid, and the chain took it back",
            after(START, coins, pay_and_leave(), *PAID, happens("reorganise")),
            (deliver, sweep),
        ),
        Scenario(
            "the chain took it back before goods left, and it is paid again",
            after(START, coins, pay_and_leave(), deliver, happens("reorganise")),
            (deliver, sweep, pay_and_leave(), *PAID),
        ),
        Scenario(
            "a failure is told after the money, and the provider does not answer",
            after(
                START,
                press,
                pay_and_leave(),
                deliver,
                providers_are_away,
                says("payment.failed", status="failed"),
                fulfil,
                in_the_console,
            ),
            (retry, fulfil),
        ),
        Scenario(
            "a part came, and the order is paid elsewhere",
            in_part,
            (press, pay_and_leave(), deliver, sweep),
        ),
        Scenario("one page of several requests", itemized, (pay_and_leave(), *PAID)),
        Scenario(
            "a form of ours is posted twice, and paid twice",
            after(START, with_account("wipay", mode="form"), press_pay("wipay"), post_our_form),
            (pay(nth=0), deliver, sweep, pay(nth=1), deliver, sweep),
        ),
        Scenario(
            "paid twice on one page, and refunded",
            after(START, press_pay("hitpay")),
            (pay_and_leave({"fault": "pay_twice"}), *PAID, sweep, deliver),
        ),
        Scenario(
            "a refund that fails later",
            after(START, press_pay("mollie"), pay_and_leave(), deliver, sweep, in_the_console),
            (refund(), fulfil, happens("refund_fails"), deliver, wait(minutes=1), sweep),
        ),
        Scenario(
            "a refund that is reported as failed",
            bought,
            (says("payment.refund_failed"),),
        ),
        Scenario(
            "a refund that stays silent",
            after(
                START, press_pay("wipay"), pay_and_leave(), *PAID, in_the_console, refund(), fulfil
            ),
            (wait(hours=3), sweep, sweep),
        ),
        Scenario(
            "goods held back, and sent after all",
            after(
                START,
                press,
                pay_and_leave(),
                deliver,
                happens("refund", "5.00"),
                deliver,
                fulfil,
                *(wait(hours=2), sweep) * 12,
                in_the_console,
            ),
            (retry, fulfil),
        ),
    ]
