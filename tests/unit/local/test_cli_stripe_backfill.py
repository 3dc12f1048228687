"""`usher stripe backfill`: since when, and what becomes of every page."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.cli.operator import Operator
from infra.local.cli.refusal import Refused
from infra.local.cli.stripe_backfill import moment, run

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "since, expected",
    [
        ("90m", "2026-11-21T10:30:00.000Z"),
        ("2h", "2026-11-21T10:00:00.000Z"),
        ("30d", "2026-10-22T12:00:00.000Z"),
        ("2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00.000Z"),
        ("2026-11-20", "2026-11-20T00:00:00.000Z"),
    ],
)
def test_a_span_or_a_moment_says_since_when(since: str, expected: str) -> None:
    assert moment(since, NOON) == expected


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(Refused, match="neither a span"):
        moment("last week", NOON)


def test_every_page_is_asked_for_and_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = [
        {"found": 100, "queued": 90, "known": 10, "echo": 0, "not_followed": 0, "malformed": 0},
        {"found": 3, "queued": 1, "known": 0, "echo": 2, "not_followed": 0, "malformed": 0},
    ]
    asked: list[Any] = []

    def ask(operator: Operator, method: str, path: str, body: Any = None) -> dict[str, Any]:
        asked.append(body)
        return pages[len(asked) - 1] | {"next_cursor": "evt_100" if len(asked) == 1 else None}

    monkeypatch.setattr(Operator, "ask", ask)
    assert run(since="2026-11-20", data=Path(), url="http://u", token="t") == 0
    since = "2026-11-20T00:00:00.000Z"
    assert asked == [{"since": since}, {"since": since, "cursor": "evt_100"}]
    assert "103 undelivered" in (said := capsys.readouterr().out) and "91 queued" in said
