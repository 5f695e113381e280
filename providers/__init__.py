"""How each payment provider is spoken to: one module each, all to the contract in ``base.py``."""

from . import handcash, hitpay, mintcash, request_network, wipay
from .base import Provider

#: The key is the name in URLs, settings and tables. A new provider is one module and one line.
PROVIDERS: dict[str, Provider] = {
    "mintcash": mintcash,
    "hitpay": hitpay,
    "wipay": wipay,
    "handcash": handcash,
    "request_network": request_network,
}
