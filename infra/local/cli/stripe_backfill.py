"""`usher stripe backfill`: events that Stripe could not deliver are asked for, page by page."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.cli import view
from infra.local.cli.operator import Operator
from infra.local.cli.refusal import Refused
from usher.adapters.system_clock import SystemClock
from usher.domain import times

_COUNTED = ("queued", "known", "echo", "not_followed", "malformed")
_SPAN = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def run(*, since: str, data: Path, url: str | None, token: str | None) -> int:
    """Recover them and say how many; returns 0. Raises Refused."""
    operator, console = Operator.of(data, url=url, token=token), view.console()
    body = {"since": moment(since, SystemClock().now())}
    came: Counter[str] = Counter()
    while True:
        page = operator.ask("POST", "/v1/stripe/backfills", body)
        came.update({name: page[name] for name in ("found", *_COUNTED)})
        console.print(f"{came['found']} looked at, {came['queued']} queued")
        if page["next_cursor"] is None:
            break
        body = {**body, "cursor": page["next_cursor"]}
    rest = ", ".join(f"{came[name]} {name.replace('_', ' ')}" for name in _COUNTED if came[name])
    console.print(f"{came['found']} undelivered since {body['since']}: {rest or 'nothing to do'}")
    return 0


def moment(since: str, now: datetime) -> str:
    """A span back from now, or a moment, as the API takes it. Raises Refused."""
    if span := _SPAN.fullmatch(since):
        return times.text(now - timedelta(**{_UNITS[span[2]]: int(span[1])}))
    try:
        named = times.moment(since)
    except ValueError as error:
        raise Refused(f"--since {since!r} is neither a span (2h, 3d) nor a moment") from error
    return times.text(named if named.tzinfo else named.replace(tzinfo=UTC))
