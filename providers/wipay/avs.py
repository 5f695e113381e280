"""WiPay's address check: its page also asks for the card's billing address, and lives longer.

Documentation (docs.wipayfinancial.com, read 2026-11): payments-api/payment-request, where
``avs`` is documented for v1.0.9 only.
"""

import re

from ..contract import Address

#: payments-api/payment-request: field -> its longest text. What does not fit is left out: WiPay's
#: page asks the shopper for it, while a field that breaks a rule would cost the whole request.
ADDRESS_LIMITS = {"addr1": 50, "addr2": 50, "city": 30, "zipcode": 10}


def avs_fields(address: Address | None) -> list[tuple[str, str]]:
    """The order's address, as far as it keeps to WiPay's rules, to fill in the AVS form with.

    ``state`` is a code of two letters, and known to be taken for the United States only.
    """
    if address is None:
        return [("avs", "1")]
    fields = {
        "addr1": address.line1,
        "addr2": address.line2,
        "city": address.city,
        "zipcode": re.sub(r"[ -]", "", address.postal_code),  # letters and digits only
    }
    found = {name: text for name, text in fields.items() if 0 < len(text) <= ADDRESS_LIMITS[name]}
    if "addr1" not in found:
        found.pop("addr2", None)  # WiPay wants it with the first only
    if not re.fullmatch(r"[A-Za-z0-9]+", found.get("zipcode", "0")):
        del found["zipcode"]
    if address.country == "US" and re.fullmatch(r"[A-Za-z]{2}", address.region):
        found["state"] = address.region.upper()
    return [("avs", "1"), *found.items(), ("country", address.country)]
