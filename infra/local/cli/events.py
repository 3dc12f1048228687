"""`usher events tail`: what happened, one line an event, as it happens when that is asked for."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.markup import escape

from infra.local.cli import view
from infra.local.cli.operator import Operator

PAUSE = 0.5  # seconds between looks while there is nothing new
_REMEMBERED = 10_000


def run(
    *,
    account: str | None,
    type: str | None,
    follow: bool,
    as_json: bool,
    data: Path,
    url: str | None,
    token: str | None,
) -> int:
    """Print them until there are no more, or for ever; returns 0. Raises Refused."""
    operator = Operator.of(data, url=url, token=token, role="viewer")
    query = {name: value for name, value in (("account_id", account), ("type", type)) if value}
    try:
        for event in told(lambda path: operator.ask("GET", path), query, follow=follow):
            if as_json:
                print(json.dumps(event), flush=True)
            else:
                view.console().print(line(event))
    except KeyboardInterrupt:
        pass  # how one stops following
    return 0


def told(
    ask: Callable[[str], dict[str, Any]],
    query: dict[str, str],
    *,
    follow: bool,
    wait: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Each event once, although a page may tell again what the one before it told.

    `ask` answers a GET of the API, `wait` passes so many seconds.
    """
    cursor: str | None = None
    seen: dict[str, None] = {}
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = ask(f"/v1/events?{urlencode({**query, **more, 'limit': 100})}")
        for event in page["items"]:
            if event["event_id"] not in seen:
                seen[event["event_id"]] = None
                yield event
        while len(seen) > _REMEMBERED:
            del seen[next(iter(seen))]
        if page["next_cursor"] == cursor:
            if not follow:
                return
            wait(PAUSE)
        cursor = page["next_cursor"]


def line(event: dict[str, Any]) -> str:
    """When, whose, what, and its payload in short."""
    said = " ".join(f"{name}={_short(value)}" for name, value in event["payload"].items())
    moment, whose = event["timestamp"][11:23], f"{event['account_id']}#{event['sequence']}"
    return f"{moment} {whose} [bold]{event['type']}[/bold] {escape(said)}"


def _short(value: Any) -> str:
    return f"({len(value)})" if isinstance(value, list) else str(value)
