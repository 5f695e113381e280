"""Who meets whom, where two could spoil something."""

from tests.providers import case_of
from tools.explore.stories import Meeting
from tools.explore.stories.messages import says
from tools.explore.stories.moves import (
    after,
    at_the_checkout,
    buy_a_card,
    check,
    deliver,
    deliver_one,
    deliver_pending,
    do_own_work,
    fulfil,
    happens,
    pay_and_come_back,
    pay_and_leave,
    press_pay,
    send_refunds,
    stock,
    sweep,
    use_the_card,
    wait,
)
from tools.explore.stories.staff import in_the_console, refund, release
from tools.explore.stories.till import type_address, waiting_at_the_till

START = at_the_checkout("cookbook")
ON_THE_PAGE = after(START, press_pay("mintcash"))


def meetings() -> list[Meeting]:
    """All of them; most with MintCash, whose webhook and answer both prove a payment."""
    twice = after(
        ON_THE_PAGE, pay_and_leave({"delivery_fault": "duplicate"}), deliver_one, deliver_one
    )
    paid = after(ON_THE_PAGE, pay_and_leave(), deliver, in_the_console)
    held = after(
        ON_THE_PAGE, pay_and_leave({"delivery_fault": "wrong_amount"}), deliver, in_the_console
    )
    another = after(
        ON_THE_PAGE, press_pay("wipay"), pay_and_leave(nth=0), pay_and_leave(nth=1), deliver_one
    )
    one_code = after(
        buy_a_card(),
        *(after(at_the_checkout("bud-vase", who=who), use_the_card(who)) for who in ("ann", "bob")),
    )
    return [
        Meeting(
            "one code of credit, two orders",
            one_code,
            {"ann": press_pay("mintcash"), "bob": press_pay("mintcash", who="bob")},
            ("paid", "open"),
        ),
        Meeting(
            "at the till, an address is typed while a worker writes the receipt",
            waiting_at_the_till(),
            {"staff": type_address(), "worker": after(deliver, do_own_work)},
        ),
        Meeting("webhook twice", twice, {"webhook": deliver_one, "the same": deliver_one}),
        Meeting(
            "two webhooks of one payment",
            after(ON_THE_PAGE, pay_and_leave()),
            {"pending": deliver_one, "succeeded": deliver_one},
        ),
        Meeting(
            "webhook and return",
            after(START, press_pay("wipay")),
            {"return": pay_and_come_back, "webhook": deliver},
        ),
        Meeting(
            "webhook and look-up",
            after(ON_THE_PAGE, pay_and_leave(), deliver_one, wait(minutes=2)),
            {"webhook": deliver_one, "look-up": check},
        ),
        Meeting(
            "two payments at once",
            another,
            {"one": deliver_one, "another": deliver_one},
        ),
        Meeting(
            "refund and release", held, {"refund": refund(), "release": release}, ("held/paid",)
        ),
        Meeting("refund twice", after(paid, fulfil), {"refund": refund(), "once more": refund()}),
        Meeting("two workers and one task", paid, {"worker": do_own_work, "another": do_own_work}),
        Meeting(
            "two workers and one refund",
            after(paid, fulfil, refund()),
            {"worker": send_refunds, "another": send_refunds},
        ),
        Meeting(
            "pay pressed twice",
            START,
            {"press": press_pay("mintcash"), "another": press_pay("mintcash")},
            ("open",),
        ),
        Meeting(
            "the last piece bought twice",
            after(
                stock("bud-vase", 1),
                at_the_checkout("bud-vase"),
                press_pay("mintcash"),
                at_the_checkout("bud-vase", who="bob"),
                press_pay("mintcash", who="bob"),
                pay_and_leave(),
                pay_and_leave(who="bob"),
                deliver_pending,
            ),
            {"one": deliver_one, "another": deliver_one},
            ("paid/held", "paid/held"),
        ),
        Meeting("sweep and message", paid, {"sweep": sweep, "message": do_own_work}),
        Meeting(
            "the basket is changed while the payment comes",
            after(ON_THE_PAGE, pay_and_leave(), deliver_one, at_the_checkout("gift-card")),
            {"webhook": deliver_one, "new order": press_pay("mintcash")},
            None,  # there may be a second order, or the cart is empty by then
        ),
        Meeting(
            "both orders of a changed basket are paid",
            after(
                ON_THE_PAGE,
                at_the_checkout("gift-card"),
                press_pay("mintcash"),
                pay_and_leave(nth=0),
                pay_and_leave(nth=1),
                deliver_pending,
            ),
            {"old": deliver_one, "new": deliver_one},
            ("paid/held", "paid/held"),
        ),
        Meeting(
            "money goes back while the parcel is packed",
            after(paid, happens("void")),
            {"webhook": deliver, "worker": do_own_work},
        ),
        Meeting(
            "a failure is told while goods leave",
            paid,
            {"webhook": says("payment.failed", status="failed"), "worker": do_own_work},
        ),
        Meeting(
            "the chain takes it back while the provider is asked",
            after(START, press_pay("request_network"), pay_and_leave(), happens("reorganise")),
            {"webhook": deliver, "look-up": check},
        ),
        Meeting(
            "a refund is asked for while the parcel is packed",
            paid,
            {"refund": refund(), "worker": do_own_work},
        ),
        Meeting(
            "two parts at once",
            after(
                START,
                press_pay("request_network"),
                pay_and_leave(case_of("request_network").page.pays_a_part or {}),
                pay_and_leave(),
            ),
            {"one": deliver_one, "another": deliver_one},
        ),
        Meeting(
            "webhook, return and look-up",
            after(START, press_pay("wipay"), wait(minutes=2)),
            {"return": pay_and_come_back, "webhook": deliver, "look-up": check},
        ),
    ]
