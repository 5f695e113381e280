"""A hosted page that needs no template of its own: a button for each ending."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import request

from ..models import Payment
from .page import Answer, onward, show, submit
from .provider import Provider


def page_of_endings(
    provider: Provider[Any],
    path: str,
    endings: Mapping[str, str],
    settle: Callable[[Payment, str], object],
    declines: str = "",
) -> Callable[[Payment], str]:
    """Add the page below ``path``, and give what tells its address.

    :param endings: the form's ``ending`` -> what its button says.
    :param settle: does what was pressed. The caller commits. A payment that is still open then
        keeps the shopper on the page.
    :param declines: the ending that the fault "decline" makes of any other.
    """
    page = provider.pages(path)

    @page.get("/<reference>")
    def show_page(payment: Payment) -> Answer:
        buttons = endings if payment.status in provider.open_in else {}
        return show("endings.html", payment, endings=buttons, return_url=payment.return_url)

    @page.post("/<reference>")
    def press(payment: Payment) -> Answer:
        ending = request.form.get("ending")

        def settle_it(payment: Payment) -> None:
            settle(payment, declines if payment.fault == "decline" else str(ending))

        if payment.status in provider.open_in and ending in endings:
            submit(payment, read=lambda _payment: {}, settle=settle_it)
        stays = payment.status in provider.open_in or payment.fault in ("expire", "pay_late")
        return onward(payment, None if stays else payment.return_url)

    return lambda payment: (
        f"{provider.settings.sandbox_url}/{provider.name}{path}/{payment.reference}"
    )
