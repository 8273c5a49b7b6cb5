"""Time zones of Equinix metros, by the letters that IBX codes begin with; used to hold LOCAL against UTC."""

from __future__ import annotations

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
    "Australia/Sydney": "SY",
    "Australia/Melbourne": "ME",
    "Australia/Perth": "PE",
    "America/New_York": "NY DC AT MI BO PH CU",
    "America/Toronto": "TR MT OT",
    "America/Chicago": "CH DA HO",
    "America/Denver": "DE",
    "America/Los_Angeles": "SV LA SE",
    "America/Sao_Paulo": "SP RJ",
    "America/Bogota": "BG",
}
_BY_LETTERS = {letters: zone for zone, codes in _ZONES.items() for letters in codes.split()}


def zone_of_code(code: str) -> str | None:
    """The IANA zone of an IBX or metro code; None where it is not known."""
    return _BY_LETTERS.get(code.upper().removeprefix("EQ")[:2]) if code[-1:].isdigit() or len(code) == 2 else None
