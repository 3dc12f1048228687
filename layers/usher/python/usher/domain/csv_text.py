"""CSV that a spreadsheet can open: no text of anybody's becomes a formula in it (SCENARIO 38)."""

import csv
import io
from collections.abc import Iterable, Sequence

from usher.domain.money import places

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> str:
    """RFC 4180, lines ended by CRLF. Texts that a spreadsheet would calculate get an apostrophe before them.

    Numbers go in as `int`, or as text by `decimal`, which alone may begin with a sign.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_inert(cell) for cell in row])
    return out.getvalue()


class Decimal(str):
    """A number in text."""

    __slots__ = ()


def decimal(amount_minor: int, currency: str) -> Decimal:
    """`-1900` of `usd` is -19.00: the amount alone, to be calculated with."""
    decimals = places(currency)
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(decimals + 1, "0")
    return Decimal(f"{sign}{digits[:-decimals]}.{digits[-decimals:]}" if decimals else f"{sign}{digits}")


def _inert(cell: str | int | None) -> str | int:
    if cell is None:
        return ""
    if isinstance(cell, str) and not isinstance(cell, Decimal) and cell.lstrip(" ").startswith(_FORMULA):
        return f"'{cell}"
    return cell
