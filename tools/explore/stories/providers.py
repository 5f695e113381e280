"""Each way that a purchase can go at one provider, drawn from what it can do."""

from providers.optional import Cancels, Refunds, SavesCards
from tests.providers import cases
from tests.providers.case import Case
from tools.demo.plays import save_a_card
from tools.explore.stories import Move, Scenario
from tools.explore.stories.moves import (
    START,
    after,
    at_the_checkout,
    choose_again,
    deliver,
    faults,
    fulfil,
    lose_the_answer_to,
    pay,
    pay_and_leave,
    press_pay,
    scan_the_code,
    sweep,
    wait,
)
from tools.explore.stories.staff import in_the_console, refund
from tools.explore.world import World


def scenarios() -> list[Scenario]:
    """Of every provider, in the order of the registry."""
    return [each for case in cases().values() for each in of_provider(case)]


def of_provider(case: Case) -> list[Scenario]:
    name = case.name
    paid = (deliver, sweep) if case.ping else (deliver,)  # a ping books a check
    press, lost = press_pay(name), {"delivery_fault": "drop"}
    found = [
        Scenario(f"{name}: paid by webhook", START, (press, pay_and_leave(), *paid)),
        Scenario(
            f"{name}: paid by asking",
            after(START, press, pay_and_leave(lost), wait(minutes=2)),
            (sweep,),
        ),
        Scenario(
            f"{name}: webhook before the answer",
            after(START, faults(create_fault="early_webhook", create_calls="1")),
            (press, *paid),
            # Without the answer, a second call makes a second payment at some. A ping is about
            # a payment that the shop has not heard of, and does not say whose it is.
            if_killed=("paid/open",),
            may_leave=not case.ping,
        ),
        Scenario(
            f"{name}: the answer to our call is lost",
            after(START, lose_the_answer_to(f"/{name}/")),
            (press, pay_and_leave(), *paid),
        ),
    ]
    found.append(
        Scenario(
            f"{name}: back in the shop, and to the page again",
            after(START, press),
            (press, pay_and_leave(), *paid),
        )
    )
    returned = after(START, press)
    if case.signed_return:
        found.append(Scenario(f"{name}: paid by return", returned, (pay(lost),)))
    else:
        asked = (pay(lost), wait(seconds=5), sweep)
        found.append(Scenario(f"{name}: back before the news", returned, asked))
    if isinstance(case.provider, Refunds):
        bought = after(START, press, pay_and_leave(), *paid, fulfil, in_the_console)
        found.append(Scenario(f"{name}: refunded", bought, (refund(), fulfil, *paid)))
        found.append(
            Scenario(
                f"{name}: the answer to a refund is lost",
                after(bought, refund(), lose_the_answer_to("refund")),
                (fulfil, wait(minutes=5), sweep, *paid),
            )
        )
    if isinstance(case.provider, Cancels):
        other = "wipay" if name != "wipay" else "mintcash"
        found.append(
            Scenario(
                f"{name}: left, and paid elsewhere",
                after(START, press),
                (press_pay(other), pay_and_leave(), deliver, fulfil, sweep),
            )
        )
    if case.page.pays_a_part:
        part = case.page.pays_a_part
        found.append(
            Scenario(
                f"{name}: paid in two parts",
                after(START, press),
                (pay_and_leave(part), deliver, pay_and_leave(), *paid),
            )
        )
    if isinstance(case.provider, SavesCards):
        found.append(Scenario(f"{name}: with a saved card", START, (_saved_card(case), *paid)))
    if case.code:
        currency = case.code.currencies[0]
        found.append(
            Scenario(
                f"{name}: a code that has run out",
                after(
                    at_the_checkout(currency=currency),
                    press_pay(f"{name}/{case.code.key}"),
                    wait(hours=1),
                    deliver,
                ),
                (choose_again(f"{name}/{case.code.key}"), scan_the_code, *paid),
            )
        )
    return found


def _saved_card(case: Case) -> Move:
    def move(world: World) -> None:
        browser = world.browser
        press_pay(save_a_card(browser, case))(world)
        browser.pay(browser.notes["pages"][-1][0], case.name)

    return move
