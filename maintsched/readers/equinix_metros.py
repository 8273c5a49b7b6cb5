"""Time zones of Equinix metros, by the letters that IBX codes begin with; used to hold LOCAL against UTC."""

from __future__ import annotations

import re

_ZONES = {
    "Europe/London": "LD MA",
    "Europe/Dublin": "DB",
    "Europe/Lisbon": "LS",
    "Europe/Madrid": "MD BA",
    "Europe/Paris": "PA BX",
    "Europe/Amsterdam": "AM EN ZW",
    "Europe/Berlin": "FR DU MU HH",
    "Europe/Zurich": "ZH GV",
    "Europe/Rome": "ML GN",
    "Europe/Stockholm": "SK",
    "Europe/Helsinki": "HE",
    "Europe/Warsaw": "WA",
    "Europe/Sofia": "SO",
    "Europe/Istanbul": "IL",
    "Asia/Dubai": "DX AD",
    "Asia/Tokyo": "TY OS",
    "Asia/Seoul": "SL",
    "Asia/Hong_Kong": "HK",
    "Asia/Singapore": "SG",
    "Australia/Sydney": "SY CA",
    "Australia/Melbourne": "ME",
    "Australia/Brisbane": "BR",
    "Australia/Adelaide": "AE",
    "Australia/Perth": "PE",
    "Asia/Muscat": "MC SN",
    "Asia/Kolkata": "MB CN",
    "Asia/Jakarta": "JK",
    "Asia/Kuala_Lumpur": "KL JH",
    "Asia/Shanghai": "SH",
    "Africa/Johannesburg": "JN",
    "Africa/Lagos": "LG",
    "America/New_York": "NY DC AT MI BO PH CU",
    "America/Toronto": "TR MT OT",
    "America/Winnipeg": "WI",
    "America/Edmonton": "CL",
    "America/Vancouver": "VA KA",
    "America/Mexico_City": "MX",
    "America/Monterrey": "MO",
    "America/Chicago": "CH DA HO",
    "America/Denver": "DE",
    "America/Los_Angeles": "SV LA SE",
    "America/Sao_Paulo": "SP RJ",
    "America/Bogota": "BG",
}
_BY_LETTERS = {letters: zone for zone, codes in _ZONES.items() for letters in codes.split()}


_CODE = re.compile(r"(?:EQ)?([A-Z]{2})(?:\d{1,2}X?)?")


def zone_of_code(code: str) -> str | None:
    """The IANA zone of an IBX code (LD4, EqLD5, PA8x) or metro code (LD); None where it is not known.

    Other operators' codes may begin with the same letters (DUB1 is not DU): only the exact shape counts.
    """
    found = _CODE.fullmatch(code.strip().upper())
    return _BY_LETTERS.get(found[1]) if found else None
