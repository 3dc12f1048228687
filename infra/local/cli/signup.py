"""`usher signup`: one sign-up, posted as a product's backend would, and followed to its end."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from infra.local.cli import view
from infra.local.cli.client import Client
from infra.local.cli.following import Followed, follow
from infra.local.cli.refusal import Refused
from usher.domain import times
from usher.domain.onboarding import REOPENABLE

_GIVE_UP_SECONDS = 120.0


def run(*, fields: Mapping[str, Any], webhook_id: str | None, data: Path) -> int:
    """Post and follow; returns 1 when the sign-up came to nothing. Raises Refused when it was not taken."""
    client = Client.of(data)
    body = {
        "type": "signup.completed",
        "timestamp": times.text(datetime.fromtimestamp(time.time(), UTC)),
        "data": _given(fields),
    }
    answer = client.post_signup(json.dumps(body).encode(), webhook_id=webhook_id)
    row = Followed(who=fields["email"], plan=fields["plan"], signup_id=answer["signup_id"])
    console = view.console()
    with view.live(console, [row]) as changed:
        in_time = follow(client, [row], changed, seconds=_GIVE_UP_SECONDS)
    assert row.status is not None
    show(console, row.status)
    if not in_time:
        raise Refused(f"{row.signup_id} is still under way; see `usher status {row.signup_id}`", exit_code=1)
    return 1 if row.status["status"] in {"failed", *REOPENABLE} else 0


def show(console: Console, status: dict[str, Any]) -> None:
    """Ids and timings of one sign-up, and its steps."""
    console.print(view.summary(status))
    console.print(view.steps_table(status))


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Only what was said on the command line; an object of which nothing was said is left out."""
    inner = {name: _given(value) if isinstance(value, Mapping) else value for name, value in fields.items()}
    return {name: value for name, value in inner.items() if value is not None and value != {}}
