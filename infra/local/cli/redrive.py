"""`usher redrive`: what failed is tried again, one or all of it."""

from pathlib import Path

from infra.local.cli import view
from infra.local.cli.operator import Operator
from infra.local.cli.refusal import Refused


def run(
    *, id: str | None, everything: bool, reason: str, data: Path, url: str | None, token: str | None
) -> int:
    """Redrive and say what became of each; returns 1 when one was refused. Raises Refused."""
    if (id is None) != everything:
        raise Refused("name one failure (or sign-up), or say --all")
    operator, console = Operator.of(data, url=url, token=token), view.console()
    ids = [id] if id is not None else [each["failure_id"] for each in operator.failures("open")]
    refused = 0
    for each in ids:
        why_not = operator.redrive(each, reason)
        refused += why_not is not None
        console.print(f"{each}: {'tried again' if why_not is None else why_not}", markup=False)
    if everything:
        console.print(f"{len(ids) - refused} of {len(ids)} are tried again")
    return 1 if refused else 0
