"""What proves nothing, and is said all the same."""

from tools.explore.stories import Scenario
from tools.explore.stories.messages import forge, forge_a_copy
from tools.explore.stories.moves import (
    PAID,
    START,
    after,
    at_the_checkout,
    deliver,
    pay_and_leave,
    press_pay,
    sweep,
    type_the_return,
    wait,
)


def scenarios() -> list[Scenario]:
    on_the_page = after(START, press_pay("mintcash"))
    return [
        Scenario("a forged webhook", on_the_page, (forge, *PAID), ("open",)),
        Scenario(
            "a forged copy comes first", after(on_the_page, pay_and_leave()), (forge_a_copy, *PAID)
        ),
        Scenario("a return that says success", on_the_page, (type_the_return, *PAID), ("open",)),
        Scenario(
            "a signed webhook names another order",
            after(
                on_the_page,
                at_the_checkout(who="bob"),
                press_pay("mintcash", who="bob"),
                pay_and_leave({"delivery_fault": "replay_other_order"}),
            ),
            (deliver, wait(minutes=2), sweep),
            ("paid", "open"),
        ),
    ]
