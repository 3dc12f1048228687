"""Writes the table of routes in docs/guide/api.md out of the catalog: `python -m infra.api_guide`."""

from pathlib import Path

from infra import catalog
from usher.domain.access import PRODUCT, ROLES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "api.md"
BEGIN, END = "<!-- routes: python -m infra.api_guide -->", "<!-- end of routes -->"


def table() -> str:
    """Every route with what it is for and from which role on it may be used."""
    rows = [f"| `{route.key}` | {route.why} | {_who(route)} |" for route in catalog.ROUTES]
    return "\n".join(["| route | what for | who |", "|---|---|---|", *rows])


def with_table(text: str) -> str:
    """The page's text with the table as the catalog says. Raises ValueError when its marks are gone."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} has lost the marks of its table: {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def _who(route: catalog.Route) -> str:
    if route.access != "token":
        return {"signed": "by signature or link", "public": "everybody"}[route.access]
    people = [role for role in ROLES if role in route.roles]
    product = ["product"] if PRODUCT in route.roles else []
    return ", ".join([*product, *(f"{role} and above" if role != ROLES[-1] else role for role in people[:1])])


def main() -> None:
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
