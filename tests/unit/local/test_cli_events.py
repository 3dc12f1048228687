"""`usher events tail`: what it asks for, each event shown once, and where it goes on."""

from pathlib import Path
from typing import Any

from infra.local.cli.events import line, told
from infra.local.cli.operator import Operator


def event(number: int, **payload: Any) -> dict[str, Any]:
    return {
        "event_id": f"evt_a_{number}",
        "type": "payment.failed",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "account_id": "acc_a",
        "sequence": number,
        "payload": payload,
    }


class Pages:
    """Answers page after page, and keeps what was asked."""

    def __init__(self, *pages: tuple[list[int], str]) -> None:
        self.pages = list(pages)
        self.asked: list[str] = []

    def ask(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        numbers, cursor = self.pages.pop(0)
        return {"items": [event(number) for number in numbers], "next_cursor": cursor}


def shown(pages: Pages, *, follow: bool = False) -> list[int]:
    found = told(pages.ask, {"account_id": "acc_a"}, follow=follow)
    return [each["sequence"] for each in found]


def test_what_a_page_tells_again_is_shown_once_and_the_end_is_where_nothing_more_comes() -> None:
    pages = Pages(([1, 2], "t1"), ([2, 3], "t2"), ([3], "t2"))
    assert shown(pages) == [1, 2, 3]
    assert pages.asked == [
        "/v1/events?account_id=acc_a&limit=100",
        "/v1/events?account_id=acc_a&cursor=t1&limit=100",
        "/v1/events?account_id=acc_a&cursor=t2&limit=100",
    ]


def test_who_follows_is_told_of_what_comes_later() -> None:
    waits: list[float] = []
    pages = Pages(([1], "t1"), ([], "t1"), ([], "t1"), ([2], "t2"))
    following = told(pages.ask, {}, follow=True, wait=waits.append)
    assert [next(following)["sequence"] for _ in range(2)] == [1, 2]
    assert len(waits) == 2


def test_a_line_says_when_whose_and_what_and_no_text_in_it_is_markup() -> None:
    text = line(event(7, reason="[red]no[/red]", lines=[1, 2]))
    assert text == r"12:00:00.000 acc_a#7 [bold]payment.failed[/bold] reason=\[red]no\[/red] lines=(2)"


def test_it_needs_no_more_than_a_viewer_s_token(tmp_path: Path) -> None:
    (tmp_path / "dev.env").write_text("USHER_URL=http://u\nUSHER_OPERATOR_TOKEN_VIEWER=tok\n")
    assert Operator.of(tmp_path, url=None, token=None, role="viewer").token == "tok"
