"""The command `usher`: which commands there are, and how their refusals are told (E6)."""

import sys

import typer

from infra.local.cli.commands import operating, running, selling
from infra.local.cli.refusal import Refused

app = typer.Typer(
    help="From sign-up to a paid, provisioned, welcomed account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command()(running.up)
app.command()(running.signup)
app.command()(running.status)
app.command("story")(running.tell_story)
app.command()(operating.failures)
app.command()(operating.redrive)
app.command()(operating.reconcile)
app.add_typer(operating.events, name="events")
app.add_typer(operating.stripe, name="stripe")
app.add_typer(selling.invitations, name="invitations")
app.add_typer(selling.beta, name="beta")
app.add_typer(selling.catalog, name="catalog")
app.add_typer(operating.ledger, name="ledger")


def main() -> None:
    """The entry point. What cannot be done is told in one line; exit codes: 2 not started, 1 not achieved."""
    try:
        app(prog_name="usher")
    except Refused as refused:
        print(f"usher: {refused}", file=sys.stderr)
        sys.exit(refused.exit_code)
