"""`usher reconcile`: followed to its end, every page of what it found told, and an exit code that says so."""

from typing import Any

import pytest
from rich.console import Console

from infra.local.cli.operator import Operator
from infra.local.cli.reconcile import run, table


def mismatch(number: int, **changed: Any) -> dict[str, Any]:
    there = {"status": "paid", "currency": "usd", "amounts": {"amount_due_minor": 1900}}
    values = {
        "object_id": f"in_{number}",
        "kind": "missing_local",
        "fields": [],
        "state": "open",
        "there": there,
    }
    return {**values, "reason": "nothing can be fetched [red]", **changed}


class Api:
    """A run that is done at the third look, with its mismatches in pages of two."""

    def __init__(self, found: list[dict[str, Any]]) -> None:
        self.found, self.looks = found, 0
        self.asked: list[Any] = []

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        self.asked.append((method, path, body))
        if method == "POST":
            return {"reconciliation_id": "rec_1"}
        if path.startswith("/v1/mismatches"):
            start = int(path.rpartition("cursor=")[2]) if "cursor=" in path else 0
            more = start + 2 < len(self.found)
            return {"items": self.found[start : start + 2], "next_cursor": str(start + 2) if more else None}
        self.looks += 1
        counts = {
            "compared": {"all": 7, "invoice": 7},
            "found": len(self.found),
            "healed": 0,
            "open": len(self.found),
        }
        done = {"state": "done", "counts": counts} if self.looks >= 3 else {"state": "running"}
        progress = {"slices": 4, "slices_done": self.looks, "compared": 7, "suspected": 1}
        return {"reconciliation_id": "rec_1", "progress": progress, **done}


def ran(monkeypatch: pytest.MonkeyPatch, api: Api, **options: Any) -> int:
    monkeypatch.setattr("infra.local.cli.reconcile.PAUSE", 0)
    monkeypatch.setattr(Operator, "of", lambda *_, **__: api)
    given = {
        "since": None,
        "until": None,
        "heal": False,
        "as_json": False,
        "data": None,
        "url": None,
        "token": None,
    }
    return run(**{**given, **options})


def test_a_run_is_followed_to_its_end_and_all_it_found_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    api = Api([mismatch(n) for n in range(3)])
    assert ran(monkeypatch, api, since="2026-11-01", heal=True) == 1
    assert api.asked[0] == ("POST", "/v1/reconciliations", {"from": "2026-11-01", "heal": True})
    text = capsys.readouterr().out
    assert all(f"in_{n}" in text for n in range(3))
    assert "3 differ: 0 healed, 3 open" in text


def test_nothing_left_open_is_success(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(monkeypatch, Api([])) == 0


def test_what_a_record_says_is_no_markup() -> None:
    console = Console(record=True, width=200)
    console.print(table([mismatch(1, object_id="in_1")]))
    assert "nothing can be fetched [red]" in console.export_text()
