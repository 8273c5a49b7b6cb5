"""The tables of impacted assets in Equinix mails: columns by the name of their header, from HTML or running text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from maintsched.domain.matching import OBJECTS_INCOMPLETE
from maintsched.readers.mail import Table

_HEADER = re.compile(r"account\s*#?.*serial\s*#?", re.IGNORECASE)
_ROW = re.compile(r"[\s>*|]*(?P<account>[\d-]{3,})\s+(?P<product>\S.*?)\s+(?P<serial>[^\s*|]*\d[^\s*|]*)[\s*|]*")
_SERIAL = re.compile(r"[\w./:-]*\d[\w./:-]*")


@dataclass(slots=True)
class Assets:
    """What the tables list, each once, in their order."""

    serials: list[str] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    sites: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, serial: str, account: str, site: str = "") -> None:
        for value, kept in ((serial, self.serials), (account, self.accounts), (site, self.sites)):
            if value and value not in kept:
                kept.append(value)

    def incomplete(self, why: str) -> None:
        problem = f"{OBJECTS_INCOMPLETE}: {why}"
        if problem not in self.problems:
            self.problems.append(problem)


@dataclass(frozen=True, slots=True)
class _Columns:
    count: int
    serial: tuple[int, ...]
    account: int | None
    site: int | None


def read_assets(tables: Sequence[Table], lines: Sequence[str]) -> Assets:
    """The assets of all tables; of the text only where there are no tables."""
    assets = Assets()
    seen = [_read_table(table, assets) for table in tables]
    if not any(seen):
        _read_text(lines, assets)
    return assets


def _columns(cells: Sequence[str]) -> _Columns | None:
    """The columns of a header row, None where the row is no header of an asset table."""
    names = [cell.casefold() for cell in cells]
    account = next((index for index, name in enumerate(names) if "account" in name), None)
    serial = tuple(index for index, name in enumerate(names) if "serial" in name)
    if not serial:
        serial = tuple(index for index, name in enumerate(names) if name in ("circuit id", "service id", "asset id"))
    if account is None and not serial:
        return None
    if any(len(name) > 60 for name in names):
        return None
    site = next((index for index, name in enumerate(names) if name.startswith("ibx")), None)
    return _Columns(len(names), serial, account, site)


def _read_table(table: Table, assets: Assets) -> bool:
    """Whether the table was one of assets; a further header row begins anew."""
    columns: _Columns | None = None
    for cells in table.rows:
        if found := _columns(cells):
            columns = found
            if not columns.serial:
                assets.incomplete("a table of assets has no serial numbers")
        elif columns is not None and columns.serial and len(cells) > 1 and any(cells):
            _read_row(cells, columns, assets)
    return columns is not None


def _read_row(cells: Sequence[str], columns: _Columns, assets: Assets) -> None:
    if len(cells) != columns.count:
        assets.incomplete(f"a row has {len(cells)} cells under {columns.count} headers")
        return
    account = cells[columns.account] if columns.account is not None else ""
    site = cells[columns.site].upper() if columns.site is not None else ""
    serials = [cells[index] for index in columns.serial if cells[index]]
    if not serials or not all(_SERIAL.fullmatch(serial) for serial in serials):
        assets.incomplete(f"a row has no readable serial number ({' | '.join(cells)[:80]})")
    for serial in serials or [""]:
        assets.add(serial, account, site)


def _read_text(lines: Sequence[str], assets: Assets) -> None:
    """Rows below a header line; cells run together cannot be told apart, and that is said."""
    inside = False
    rows = 0
    for line in (*lines, "end"):
        if header := _HEADER.search(line):
            _closed(inside, rows, assets)
            inside, rows = True, 0
            rest = line[header.end() :].strip(" *|\t")
            if re.search(r"#\w", header[0]):
                assets.incomplete("the cells of a table run together")
                inside = False
            elif rest:
                rows += _read_line(rest, assets)
                inside = rows == 0
                _closed(inside, rows, assets)
                inside = False
        elif inside and line.strip(" >*|\t"):
            if _read_line(line, assets):
                rows += 1
            else:
                _closed(inside, rows, assets)
                inside = False


def _closed(inside: bool, rows: int, assets: Assets) -> None:
    if inside and rows == 0:
        assets.incomplete("a table of assets has no row that can be read")


def _read_line(line: str, assets: Assets) -> int:
    found = _ROW.fullmatch(line)
    if found is None or re.search(r"\s[\d-]{5,}\s", found["product"]):
        return 0
    assets.add(found["serial"], found["account"])
    return 1
