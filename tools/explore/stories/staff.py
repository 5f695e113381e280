"""What the shop's people do in the console."""

from tools.explore.browser import Browser
from tools.explore.stories import Move
from tools.explore.stories.moves import newest_order
from tools.explore.world import World


def in_the_console(world: World) -> None:
    """The newest order's page is open there."""
    Browser(world, "staff").open_console(newest_order(world))


def refund(amount: str = "") -> Move:
    """The form of the page that is open; blank: all that was left."""

    def move(world: World) -> None:
        typed = {"reason": "broken", **({"amount": amount} if amount else {})}
        Browser(world, "staff").press("refunds", **typed)

    return move


def release(world: World) -> None:
    """The button for an order that is held."""
    Browser(world, "staff").press("release")


def put_on_the_card(world: World) -> None:
    """The button for an order that a gift card paid whole."""
    Browser(world, "staff").press("refund-credit")


def retry(world: World) -> None:
    """The console's buttons for work that was given up."""
    Browser(world, "staff").press("retry")
