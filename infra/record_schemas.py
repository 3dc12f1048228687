"""Writes docs/records/ and the tables of statuses in docs/records.md: `python -m infra.record_schemas`."""

import json
from pathlib import Path

from infra.json_schemas import schema_of
from usher.domain import plain_statuses
from usher.records.entities import ENTITIES

DOCS = Path(__file__).resolve().parent.parent / "docs"
FOLDER, PAGE = DOCS / "records", DOCS / "records.md"
BEGIN, END = "<!-- statuses: python -m infra.record_schemas -->", "<!-- end of statuses -->"
_STATUSES: dict[str, dict[str, str]] = {
    "subscriptions": dict(plain_statuses.SUBSCRIPTIONS),
    "invoices": dict(plain_statuses.INVOICES),
    "payments": dict(plain_statuses.PAYMENTS),
    "accounts": dict(plain_statuses.ACCOUNTS),
}


def files() -> dict[str, str]:
    """Each entity's schema by its file name."""
    return {
        f"{name}.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **schema_of(model)},
            indent=1,
        )
        + "\n"
        for name, model in ENTITIES.items()
    }


def table() -> str:
    """Ours, which for what Stripe holds is Stripe's, and the text's word for it."""
    rows = [
        f"| {name} | {', '.join(f'`{ours}`' for ours, told in words.items() if told == plain)} | {plain} |"
        for name, words in _STATUSES.items()
        for plain in dict.fromkeys(words.values())
    ]
    return "\n".join(["| of | ours | in plain words |", "|---|---|---|", *rows])


def with_table(text: str) -> str:
    """The page with its table as the code says. Raises ValueError when its marks are gone."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has lost the marks of its table: {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
