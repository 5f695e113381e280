"""Money that comes twice, late, in part or in another currency, and money that goes back."""

from tests.providers import case_of
from tools.explore.stories import Scenario
from tools.explore.stories.moves import (
    PAID,
    START,
    after,
    at_the_checkout,
    choose_again,
    declined,
    deliver,
    fulfil,
    happens,
    lose_the_answer_to,
    pay,
    pay_and_leave,
    press_pay,
    sweep,
    wait,
)
from tools.explore.stories.staff import in_the_console, refund, release


def scenarios() -> list[Scenario]:
    press = press_pay("mintcash")
    bought = after(START, press, pay_and_leave())
    part = case_of("request_network").page.pays_a_part or {}
    return [
        Scenario(
            "two payments of one order",
            after(START, press, press_pay("wipay")),
            (pay_and_leave(nth=0), deliver, pay_and_leave(nth=1), deliver, sweep, deliver),
        ),
        Scenario(
            "the basket is changed, and both orders are paid",
            after(START, press, at_the_checkout("cookbook")),
            (
                press_pay("mintcash"),
                pay_and_leave(nth=0),
                deliver,
                pay_and_leave(nth=1),
                deliver,
                sweep,
                deliver,
            ),
            ("paid", "held"),
            if_killed=("paid/held", "paid/held"),
        ),
        Scenario(
            "webhooks out of order",
            after(START, press, pay_and_leave({"delivery_fault": "reorder"})),
            PAID,
        ),
        Scenario(
            "an old sum comes late",
            after(START, press_pay("request_network")),
            (
                pay_and_leave({"delivery_fault": "delay", **part}),
                pay_and_leave({"delivery_fault": "none"}),
                deliver,
                fulfil,
                wait(hours=1),
                *PAID,
            ),
        ),
        Scenario(
            "request_network: a part is paid, and no more",
            after(START, press_pay("request_network")),
            (pay_and_leave(part), *PAID),
            ("open/held",),
        ),
        Scenario(
            "hitpay: paid in another currency",
            after(START, press_pay("hitpay")),
            (pay_and_leave({"fault": "other_currency"}), *PAID),
            ("open/held",),
        ),
        Scenario(
            "a part is refunded, and the answer is lost",
            after(bought, *PAID, in_the_console, refund("5.00"), lose_the_answer_to("refund")),
            (fulfil, wait(minutes=5), sweep, deliver),
            refunded=500,
        ),
        Scenario(
            "held, refunded, then released",
            after(
                START,
                press,
                pay_and_leave({"delivery_fault": "wrong_amount"}),
                deliver,
                in_the_console,
                refund(),
                fulfil,
                deliver,
            ),
            (release, fulfil),
            ("held",),
        ),
        Scenario(
            "paid after its page was over",
            after(START, press),
            (pay({"fault": "pay_late"}), deliver, wait(hours=2), *PAID),
        ),
        Scenario(
            "declined, then paid",
            after(START, press),
            (declined, deliver, choose_again("mintcash"), pay_and_leave(), *PAID),
            # What the shop has not heard of yet, it cannot offer to pay again.
            if_killed=("paid/open",),
        ),
        Scenario(
            "paid twice on one page",
            after(START, press),
            (pay_and_leave({"fault": "pay_twice"}), *PAID, deliver),
        ),
        Scenario(
            "refunded before it was paid",
            after(START, press, pay_and_leave({"delivery_fault": "overtaken"}), happens("refund")),
            (*PAID, sweep),
            ("open/held/paid",),
        ),
        Scenario(
            "refunded at the provider, then here",
            after(bought, *PAID, happens("refund", "5.00"), deliver, in_the_console),
            (refund("64.00"), fulfil, deliver, sweep),
        ),
        Scenario(
            "a refund is refused",
            after(bought, *PAID, in_the_console, refund(), happens("void")),
            (fulfil, deliver, sweep),
        ),
        Scenario(
            "refunded before the parcel is packed",
            after(bought, deliver, happens("refund")),
            (deliver, wait(minutes=1), fulfil, sweep),
        ),
        Scenario("voided", after(bought, *PAID, happens("void")), (deliver, sweep)),
        Scenario(
            "a dispute that is won",
            after(START, press_pay("wipay"), pay_and_leave(), deliver, happens("chargeback_open")),
            (deliver, fulfil, happens("chargeback_won"), deliver, fulfil),
        ),
        Scenario(
            "held for one cent, then released",
            after(
                START,
                press,
                pay_and_leave({"delivery_fault": "wrong_amount"}),
                deliver,
                in_the_console,
            ),
            (release, fulfil),
        ),
        Scenario(
            "held for one cent, then refunded",
            after(
                START,
                press,
                pay_and_leave({"delivery_fault": "wrong_amount"}),
                deliver,
                in_the_console,
            ),
            (refund(), fulfil, deliver),
            ("held",),
        ),
    ]
