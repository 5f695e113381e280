"""A gift card that pays a part of an order, or all of it; the card was bought before."""

from tools.explore.stories import Scenario
from tools.explore.stories.moves import (
    PAID,
    after,
    at_the_checkout,
    buy_a_card,
    deliver,
    fulfil,
    happens,
    pay,
    pay_and_leave,
    press_pay,
    sweep,
    use_the_card,
    wait,
)
from tools.explore.stories.staff import in_the_console, put_on_the_card, refund


def scenarios() -> list[Scenario]:
    press = press_pay("mintcash")
    card = buy_a_card()
    at_the_vase = after(card, at_the_checkout("bud-vase"), use_the_card())  # 25 of its 32 dollars
    at_the_book = after(card, at_the_checkout("cookbook"), use_the_card())  # all of its 12 dollars
    another_buys = after(
        at_the_checkout("cookbook", who="bob"),
        use_the_card(who="bob"),
        press_pay("mintcash", who="bob"),
        fulfil,
    )
    gone = after(deliver, wait(minutes=15), sweep, another_buys)  # freed, and spent elsewhere
    return [
        Scenario(
            "paid with credit", at_the_vase, (press, pay_and_leave(), *PAID), ("paid", "paid")
        ),
        Scenario("paid with credit alone", at_the_book, (press, fulfil), ("paid", "paid")),
        Scenario(
            "the credit is freed, and the money comes late",
            after(at_the_vase, press),
            (pay({"fault": "pay_late"}), deliver, wait(hours=2), sweep, *PAID),
            ("paid", "paid"),
        ),
        Scenario(
            "the credit is spent elsewhere, and the money comes late",
            after(at_the_vase, press, pay({"fault": "pay_late"}), gone),
            (wait(hours=2), deliver, fulfil),
            ("paid", "held", "paid"),
        ),
        Scenario(
            "the credit is spent elsewhere, and the shopper goes on",
            after(at_the_vase, press, pay({"fault": "expire"}), gone),
            (press,),
            ("paid", "open", "paid"),
        ),
        Scenario(
            "the basket is changed, and the credit goes with it",
            after(at_the_vase, press, at_the_checkout("cookbook"), use_the_card()),
            (press, pay_and_leave(), *PAID),
            ("paid", "open", "paid"),
        ),
        Scenario(
            "refunded, and the credit comes back",
            after(at_the_vase, press, pay_and_leave(), *PAID, in_the_console),
            (refund(), fulfil, deliver),
            ("paid", "paid"),
            refunded=700,
        ),
        Scenario(
            "paid with credit alone, and refunded",
            after(at_the_book, press, fulfil, in_the_console),
            (put_on_the_card,),
            ("paid", "paid"),
        ),
        Scenario(
            "what bought the credit goes back after it was spent",
            after(at_the_vase, press, pay_and_leave(), *PAID, happens("refund", number=0)),
            (deliver, sweep),
            ("paid", "paid"),
        ),
        Scenario(
            "a part of what bought the credit goes back",
            after(card, happens("refund", "5.00")),
            (deliver, sweep),
        ),
        Scenario(
            "what bought the credit is disputed, and stays",
            after(buy_a_card("wipay"), happens("chargeback_open")),
            (deliver, happens("chargeback_won"), deliver),
        ),
    ]
