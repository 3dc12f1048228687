"""Commands of who operates Usher: what failed, what happened, the books, and whether Stripe agrees."""

from typing import Annotated

import typer

from infra.local.cli.options import DATA, DataOption, TokenOption, UrlOption, run

events = typer.Typer(help="What happened.", no_args_is_help=True)
stripe = typer.Typer(help="What Stripe tells us.", no_args_is_help=True)
ledger = typer.Typer(help="The double-entry ledger, as CSV.", no_args_is_help=True)


def failures(
    state: Annotated[str, typer.Option(help="open, redriving or resolved.")] = "open",
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """List what failed for good, with the reason, the longest first."""
    run("failures", state=state, as_json=as_json, data=data, url=url, token=token)


def redrive(
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")],
    id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Of a failure, or of the sign-up it is about.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every failure that is open.")] = False,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Have what failed tried again, from where it broke."""
    run("redrive", id=id, everything=everything, reason=reason, data=data, url=url, token=token)


@events.command()
def tail(
    account: Annotated[
        str | None, typer.Option(help="Of this account only, from its first event on.")
    ] = None,
    type: Annotated[str | None, typer.Option(help="Such as payment.failed, or subscription.*")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more happens.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as it is published.")] = False,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Show the events of the last five minutes, or all of one account."""
    run("events", account=account, type=type, follow=follow, as_json=as_json, data=data, url=url, token=token)


@stripe.command()
def backfill(
    since: Annotated[
        str, typer.Option(help="How far back: 2h, 3d, or a moment such as 2026-11-21T12:00:00Z.")
    ] = "3d",
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Recover events that Stripe could not deliver, thirty days back at most."""
    run("stripe_backfill", since=since, data=data, url=url, token=token)


@ledger.command("trial-balance")
def trial_balance(
    as_of: Annotated[str | None, typer.Option(help="The last day that counts. [default: today]")] = None,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Debits, credits and balance of every account."""
    run("ledger", what="trial-balance", query={"as_of": as_of}, data=data, url=url, token=token)


@ledger.command()
def statement(
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="A customer's account.")],
    since: Annotated[str | None, typer.Option("--from", help="The first day, such as 2026-11-01.")] = None,
    to: Annotated[str | None, typer.Option(help="The last day. [default: today]")] = None,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Every posting of a customer, with the balance after it."""
    query = {"account_id": account_id, "from": since, "to": to}
    run("ledger", what="statement", query=query, data=data, url=url, token=token)


@ledger.command()
def quarantine(data: DataOption = DATA, url: UrlOption = None, token: TokenOption = None) -> None:
    """What cannot be posted yet, and why."""
    run("ledger", what="quarantine", query={}, data=data, url=url, token=token)


def reconcile(
    since: Annotated[
        str | None,
        typer.Option("--from", help="The first day, such as 2026-11-01. [default: as policy says]"),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day, UTC. [default: today]")] = None,
    heal: Annotated[bool, typer.Option("--heal", help="Heal what a fetch from Stripe settles.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Compare subscriptions, invoices, payments and refunds with Stripe's, both ways."""
    run("reconcile", since=since, until=until, heal=heal, as_json=as_json, data=data, url=url, token=token)
