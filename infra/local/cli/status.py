"""`usher status`: how one sign-up stands."""

import json
from pathlib import Path

from infra.local.cli import view
from infra.local.cli.client import Client
from infra.local.cli.signup import show


def run(*, signup_id: str, as_json: bool, data: Path) -> int:
    """Print it; returns 0. Raises Refused for an unknown id, or when Usher does not run."""
    status = Client.of(data).signup(signup_id)
    if as_json:
        print(json.dumps(status, indent=2))
    else:
        show(view.console(), status)
    return 0
