"""docs/ledger.md tells of every account and every fact, and of no other."""

import re
from pathlib import Path

from usher.domain.ledger import CHART
from usher.domain.posting_rules import RULES

TEXT = (Path(__file__).resolve().parents[3] / "docs/ledger.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, cell by cell."""
    part = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| `.*", part, re.MULTILINE)
    ]


def test_the_chart_of_accounts_is_the_code_s() -> None:
    assert [(name.strip("`"), kind, means) for name, kind, means in rows("Accounts")] == [
        (account, kind, means) for account, (kind, means) in CHART.items()
    ]


def test_every_fact_has_its_row_and_names_accounts_that_exist() -> None:
    told = rows("Which fact posts what")
    forms = {type: re.sub(r"\{\w+_id\}", "{id}", rule.fact) for type, rule in RULES.items()}
    assert {row[0].strip("`"): row[1].strip("`") for row in told} == forms
    for row in told:
        named = set(re.findall(r"\b[a-z]+_[a-z]+\b", f"{row[2]} {row[3]}"))
        assert named <= set(CHART), row[0]
