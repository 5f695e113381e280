"""How news was proven, in words for a person."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Proof:
    """What proved a piece of news; never the secret, nor the digest that was made with it.

    ``where``: the header or field, spelled as documented; or the call that was answered.
    ``algorithm`` and what it went ``over`` are blank for an answer.
    """

    where: str
    algorithm: str = ""
    over: str = ""

    def __str__(self) -> str:
        """ "x-signature, HMAC-SHA256 over the raw body" """
        how = " over ".join(each for each in (self.algorithm, self.over) if each)
        return f"{self.where}, {how}" if how else self.where
