"""WiPay's helpers (payments-api/helpers): what a request may name; no key is asked for.

Only the path of ``states`` is documented. Codes and names are those of ISO 3166-2.
"""

from typing import Any

from flask import request

from ..kit import Refused
from . import provider
from .fees import FEE_STRUCTURES
from .rules import COUNTRY, CURRENCIES, ENVIRONMENTS

#: Country -> code and name of each state, parish or region, separated by a bar.
STATES = {
    "BB": "01 Christ Church|02 Saint Andrew|03 Saint George|04 Saint James|05 Saint John|"
    "06 Saint Joseph|07 Saint Lucy|08 Saint Michael|09 Saint Peter|10 Saint Philip|"
    "11 Saint Thomas",
    "GD": "01 Saint Andrew|02 Saint David|03 Saint George|04 Saint John|05 Saint Mark|"
    "06 Saint Patrick|10 Southern Grenadine Islands",
    "GY": "BA Barima-Waini|CU Cuyuni-Mazaruni|DE Demerara-Mahaica|"
    "EB East Berbice-Corentyne|ES Essequibo Islands-West Demerara|MA Mahaica-Berbice|"
    "PM Pomeroon-Supenaam|PT Potaro-Siparuni|UD Upper Demerara-Berbice|"
    "UT Upper Takutu-Upper Essequibo",
    "JM": "01 Kingston|02 Saint Andrew|03 Saint Thomas|04 Portland|05 Saint Mary|06 Saint Ann|"
    "07 Trelawny|08 Saint James|09 Hanover|10 Westmoreland|11 Saint Elizabeth|12 Manchester|"
    "13 Clarendon|14 Saint Catherine",
    "TT": "ARI Arima|CHA Chaguanas|CTT Couva-Tabaquite-Talparo|DMN Diego Martin|"
    "MRC Mayaro-Rio Claro|PED Penal-Debe|POS Port of Spain|PRT Princes Town|PTF Point Fortin|"
    "SFO San Fernando|SGE Sangre Grande|SIP Siparia|SJL San Juan-Laventille|TOB Tobago|"
    "TUP Tunapuna-Piarco",
    "US": "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|"
    "DE Delaware|DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|"
    "IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|MD Maryland|"
    "MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|MT Montana|"
    "NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|"
    "NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|"
    "RI Rhode Island|SC South Carolina|SD South Dakota|TN Tennessee|TX Texas|UT Utah|"
    "VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming",
}

helpers = provider.blueprint("helpers", "/plugins/get")


@helpers.get("/states")
def list_states() -> dict[str, str]:
    """``?country_code=``: usable ``state`` values are the keys; none for other countries."""
    country = request.args.get("country_code", "")
    if not COUNTRY.fullmatch(country):
        raise Refused(400, "The country_code field is invalid.")
    named = (each.split(" ", 1) for each in STATES.get(country, "").split("|") if each)
    return {code: name for code, name in named}


@helpers.get("/currencies")
def list_currencies() -> Any:
    """``?country_code=``: of that country, else of all."""
    country = request.args.get("country_code")
    if country is None:
        return sorted({each for taken in CURRENCIES.values() for each in taken})
    if country not in CURRENCIES:
        raise Refused(400, "The country_code field is invalid.")
    return list(CURRENCIES[country])


@helpers.get("/environments")
def list_environments() -> list[str]:
    return list(ENVIRONMENTS)


@helpers.get("/fee_structures")
def list_fee_structures() -> dict[str, str]:
    return FEE_STRUCTURES
