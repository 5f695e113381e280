"""What is bought: the last piece, and a file."""

from tools.explore.stories import Scenario
from tools.explore.stories.moves import (
    PAID,
    START,
    after,
    at_the_checkout,
    open_downloads,
    pay_and_leave,
    press_pay,
    stock,
)


def scenarios() -> list[Scenario]:
    return [
        Scenario(
            "the last piece is sold twice",
            after(
                stock("bud-vase", 1),
                at_the_checkout("bud-vase"),
                at_the_checkout("bud-vase", who="bob"),
                press_pay("mintcash"),
                press_pay("wipay", who="bob"),
            ),
            (pay_and_leave(), pay_and_leave(who="bob"), *PAID),
            ("held", "paid"),  # the later one paid by a webhook that came first
            if_killed=("paid/held", "paid/held"),
        ),
        Scenario(
            "a parcel, a file, a gift card and a receipt",
            after(START, press_pay("mintcash"), pay_and_leave()),
            PAID,
        ),
        Scenario(
            "a file is fetched",
            after(START, press_pay("mintcash"), pay_and_leave(), *PAID),
            (open_downloads, open_downloads),
        ),
    ]
