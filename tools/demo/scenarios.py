"""What every provider's demo shows, drawn from what it can do; its own scenarios come after it."""

from functools import partial

from providers.optional import Cancels, SavesCards, Subscribes
from tests.providers.case import Case, Scenario
from tools.demo import plays


def scenarios_of(case: Case) -> list[Scenario]:
    """All of a provider's scenarios: the common ones that its case allows, then its own."""
    return [*_on_the_page(case), *_webhooks(case), *_create(case), *_plays(case), *case.scenarios]


def _on_the_page(case: Case) -> list[Scenario]:
    page = case.page
    found = [Scenario("paid", "paid", page.pays)]
    if page.declines is not None:
        found.append(Scenario("declined", page.after_decline, page.declines))
    if page.cancel_button:
        found.append(Scenario("canceled by the shopper", page.after_cancel, cancel=True))
    if page.pays_a_part is not None:
        found.append(Scenario("paid in part", "partial", page.pays_a_part))
    return [
        *found,
        Scenario("page expires", page.after_expiry, page.pays, fault="expire"),
        Scenario("tab closed after paying", "paid", page.pays, fault="close_tab"),
    ]


def _webhooks(case: Case) -> list[Scenario]:
    """A tab that closes keeps the return from saying what the webhook should have said."""
    pays = case.page.pays
    found = [
        Scenario("webhook lost", "paid", pays, webhook="drop"),
        Scenario("webhook twice", "paid", pays, webhook="duplicate"),
    ]
    if case.ping:  # it names no payment, and the shopper's return has the provider asked
        return [*found, Scenario("webhook forged", "paid", pays, webhook="tamper")]
    message = case.messages[0]
    found.append(Scenario("webhook forged", "waiting", pays, "close_tab", "tamper"))
    if message.other_environment and not case.signed_return:
        found.append(Scenario("webhook of live", "waiting", pays, "close_tab", "wrong_environment"))
    if message.less:
        found.append(Scenario("one cent", "held", pays, "close_tab", "wrong_amount"))
    if message.other_currency:
        found.append(Scenario("another currency", "held", pays, "close_tab", "wrong_currency"))
    return found


def _create(case: Case) -> list[Scenario]:
    return [
        Scenario("webhook before the page", "paid", create="early_webhook"),
        Scenario("503 on create", "no page", create="503"),
        Scenario("create call hangs", "no page", create="timeout_after"),
    ]


def _plays(case: Case) -> list[Scenario]:
    can = case.capabilities
    found = [
        Scenario("book read online", "paid", play=plays.read_the_book),
        Scenario("sold at the till", "paid", play=plays.sell_at_the_till),
    ]
    if (can.silent_minutes or 0) > (can.page_minutes or 0):
        # The payment stays undecided long after its page; the order must be payable meanwhile.
        found.append(
            Scenario("expired, paid elsewhere", "paid", play=plays.pay_elsewhere_after_expiry)
        )
    if isinstance(case.provider, Cancels):
        found.append(Scenario("left, paid elsewhere", "paid", play=plays.leave_and_pay_elsewhere))
    if case.code:
        found.append(
            Scenario("QR code scanned", "paid", play=partial(plays.scan_the_code, case.code))
        )
    if isinstance(case.provider, SavesCards):
        found.append(Scenario("saved card", "paid", play=plays.pay_with_a_saved_card))
    if isinstance(case.provider, Subscribes):
        found.append(Scenario("a month later", "paid", play=plays.a_month_later))
        found.append(Scenario("a month missed, then paid", "paid", play=plays.a_month_missed))
        found.append(Scenario("subscription cancelled", "paid", play=plays.cancelled))
    if can.refunds == "full":
        found.append(Scenario("refunded", "refunded", play=plays.refund_all))
    if can.refunds == "part":
        found.append(Scenario("refunded in two parts", "refunded", play=plays.refund_in_two_parts))
        if case.messages:  # whose amount can be wrong
            found.append(
                Scenario("money back, then released", "refunded", play=plays.release_without_money)
            )
        if not isinstance(case.provider, Cancels):  # else the page that was left is closed
            found.append(Scenario("cart changed, both paid", "paid", play=plays.pay_two_carts))
    return found
