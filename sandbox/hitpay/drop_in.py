"""HitPay's drop-in: a script for the shop's page, and the page that it frames there.

Names, arguments and messages are those of the integrations that HitPay ships and of two public
re-implementations (hit-pay/hitpay-js-example, hit-pay/woocommerce; calcom, hitpay-popup-handler).
"""

from flask import current_app, g, render_template
from werkzeug.wrappers import Response

from ..kit import origin
from . import provider

drop_in = provider.blueprint("drop_in")


@drop_in.get("/hitpay.js")
def script() -> Response:
    """Defines ``window.HitPay``: ``inited``, ``init(link, options, callbacks)``, ``toggle``."""
    return current_app.send_static_file("hitpay/hitpay.js")


@drop_in.get("/hitpay-iframe.html")
def frame() -> str:
    """Waits to be told which payment request to show, and goes there."""
    g.framed_by = origin(provider.settings.base_url)
    return render_template("hitpay/frame.html", shop=g.framed_by)
