"""Countries of an address form: their names as people read them, and who needs a postal code."""

import unicodedata

from babel import Locale

#: CLDR territories that are not countries.
NOT_COUNTRIES = ("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ")


def reading_order(name: str) -> str:
    """A sort key without accents: "Åland" stands under A, "Côte d’Ivoire" after Costa Rica."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(each for each in letters if not unicodedata.combining(each)).casefold()


#: ISO 3166-1 alpha-2 code -> English name (CLDR), sorted for reading.
COUNTRIES: dict[str, str] = dict(
    sorted(
        (
            (code, name)
            for code, name in Locale("en").territories.items()
            if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES
        ),
        key=lambda each: reading_order(each[1]),
    )
)

#: Where post does not arrive without a postal code; elsewhere there is none, or few people use it.
#: Source: the countries with "Z" in ``require`` of Google's address data (google/libaddressinput,
#: cpp/src/region_data_constants.cc), and the members of the EU but Ireland.
_REQUIRED = """
AS AT AU AX BE BG BL BR CA CH CN CY CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HR HU IM IN
IO IT JE JP KR LI LT LU LV MF MH MP MQ MT MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH
SI SJ SK SM TC TR TW UA US VI WF YT ZA
"""
POSTAL_CODE_REQUIRED = frozenset(_REQUIRED.split())
