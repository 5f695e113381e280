"""The provider that is used where any would do, and its correctly signed deliveries."""

from .mintcash import Delivery as Delivery
from .mintcash import event as event

PROVIDER = "mintcash"
