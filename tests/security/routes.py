"""Every address of the shop, and what must be true of it: the table that N9 asks for.

A new route without a row here fails ``test_headers.py``. A row names the route's rule, the methods
it answers, how a request to it is made, and two verdicts.
"""

from dataclasses import dataclass, field

from catalogue.books import chapters
from ops.static_files import static_version
from providers import PROVIDERS
from providers.optional import SavesCards


@dataclass(frozen=True)
class Row:
    """One rule of the URL map."""

    rule: str
    methods: str  # besides these, every method is answered 405
    path: str  # {order}, {token} and {letter} are ids that exist
    status: int  # of GET, or of a true POST
    #: ``form``: refused without the session's token. ``proof``: exempt, a signature stands for it.
    csrf: str = "form"
    cache: str = "no-store"
    form: dict[str, str] = field(default_factory=dict)

    @property
    def answered(self) -> set[str]:
        """By these methods; HEAD comes with GET."""
        return set(self.methods.replace("GET", "GET HEAD").split())


#: A provider that keeps cards; any will do.
SAVES_CARDS = next(name for name, each in PROVIDERS.items() if isinstance(each, SavesCards))

ROWS = (
    Row("/", "GET", "/", 200),
    Row("/products/<slug>", "GET", "/products/candle", 200),
    Row("/products/<slug>/taste", "GET", "/products/cookbook/taste", 200),
    Row("/about", "GET", "/about", 200),
    Row("/theme", "POST", "/theme", 303, form={"theme": "dark"}),
    Row("/currency", "POST", "/currency", 303, form={"currency": "EUR"}),
    Row("/cart", "GET", "/cart", 200),
    Row("/cart/items", "POST", "/cart/items", 303, form={"slug": "candle", "quantity": "1"}),
    Row("/cart/items/<slug>", "POST", "/cart/items/candle", 303, form={"quantity": "2"}),
    Row("/cart/items/<slug>/remove", "POST", "/cart/items/candle/remove", 303),
    Row("/checkout", "GET POST", "/checkout", 200),
    Row("/cards", "GET", "/cards", 200),
    Row("/cards/<provider>", "POST", f"/cards/{SAVES_CARDS}", 303),
    Row("/cards/return/<provider>", "GET", f"/cards/return/{SAVES_CARDS}", 303),
    Row("/cards/<card_id>/verify", "GET POST", "/cards/{order}/verify", 404),  # of no card
    Row("/cards/<card_id>/delete", "POST", "/cards/{order}/delete", 404),
    Row(
        "/orders/<order_id>/cancel-subscription",
        "POST",
        "/orders/{order}/cancel-subscription",
        404,
    ),
    Row("/orders/find", "GET POST", "/orders/find", 200),
    Row("/orders/<order_id>", "GET", "/orders/{order}", 200),
    Row("/orders/<order_id>/pay", "GET", "/orders/{order}/pay", 303),
    Row("/orders/<order_id>/receipt", "GET", "/orders/{order}/receipt", 200),
    Row("/orders/<order_id>/status", "GET", "/orders/{order}/status", 200),
    Row("/orders/<order_id>/return/<provider>", "GET", "/orders/{order}/return/mintcash", 303),
    Row(
        "/orders/<order_id>/payments",
        "POST",
        "/orders/{order}/payments",
        303,
        form={"provider": "mintcash"},
    ),
    Row("/downloads/<token>", "GET", "/downloads/{token}", 200),
    Row("/orders/<order_id>/read/<slug>", "GET", "/orders/{order}/read/cookbook", 200),
    Row(
        "/orders/<order_id>/read/<slug>/<key>",
        "GET",
        f"/orders/{{order}}/read/cookbook/{chapters('cookbook')[0].key}",
        200,
    ),
    Row("/webhooks/<provider>", "POST", "/webhooks/mintcash", 401, csrf="proof"),
    Row("/console", "GET", "/console", 200),
    Row("/console/orders/<order_id>", "GET", "/console/orders/{order}", 200),
    Row(
        "/console/orders/<order_id>/refund-credit",
        "POST",
        "/console/orders/{order}/refund-credit",
        422,
    ),
    Row("/console/orders/<order_id>/refunds", "POST", "/console/orders/{order}/refunds", 404),
    Row("/console/orders/<order_id>/release", "POST", "/console/orders/{order}/release", 303),
    Row("/console/subscriptions", "GET", "/console/subscriptions", 200),
    Row(
        "/console/subscriptions/<order_id>/cancel",
        "POST",
        "/console/subscriptions/{order}/cancel",
        404,
    ),
    Row(
        "/console/till",
        "GET POST",
        "/console/till",
        200,
        form={"currency": "USD", "key": "0" * 32, "amount": "12", "way": "mintcash"},
    ),
    Row("/console/till/sales", "GET", "/console/till/sales", 200),
    *(  # of an order that was not sold at the till
        Row(
            f"/console/till/sales/<order_id>{part}",
            method,
            f"/console/till/sales/{{order}}{part}",
            404,
        )
        for method, part in (
            ("GET", ""),
            ("GET", "/receipt"),
            ("GET", "/status"),
            ("POST", "/cancel"),
            ("POST", "/letter"),
            ("POST", "/payments"),
        )
    ),
    Row("/console/jobs", "GET", "/console/jobs", 200),
    Row("/console/tasks/<int:task_id>/retry", "POST", "/console/tasks/1/retry", 303),
    Row("/console/mail", "GET", "/console/mail", 200),
    Row("/console/mail/<int(max=2147483647):mail_id>", "GET", "/console/mail/{letter}", 200),
    Row("/console/webhooks", "GET", "/console/webhooks", 200),
    Row("/healthz", "GET", "/healthz", 200),
    Row("/readyz", "GET", "/readyz", 200),
    Row("/metrics", "GET", "/metrics", 200),
    Row(
        "/static/<version>/<path:filename>",
        "GET",
        f"/static/{static_version()}/vendor/htmx.min.js",
        200,
        cache="public, max-age=31536000, immutable",
    ),
)
POSTS = tuple(row for row in ROWS if "POST" in row.methods)
EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
