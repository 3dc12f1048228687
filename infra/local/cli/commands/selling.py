"""Commands about what is sold and to whom: invitations, the end of the beta, the catalog at Stripe."""

from typing import Annotated

import typer

from infra.local.cli.options import DATA, DataOption, TokenOption, UrlOption, run

invitations = typer.Typer(help="Keys to the beta phase.", no_args_is_help=True)
beta = typer.Typer(help="The beta phase and its end.", no_args_is_help=True)
catalog = typer.Typer(help="What is sold, at Stripe as policies/plans.yaml says.", no_args_is_help=True)
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="NAME", help="Another account as the model. [default: policies/plans.yaml]"
    ),
]
ToOption = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="NAME", help="The account with STRIPE_NAME_API_KEY. [default: the one in --data]"
    ),
]


@invitations.command()
def create(
    count: Annotated[int, typer.Option(min=1, max=50, help="How many keys.")] = 1,
    expires_in_days: Annotated[int, typer.Option(min=1, max=365, help="How long they work.")] = 30,
    note: Annotated[str | None, typer.Option(help="What they are for.")] = None,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Make keys and print the links to send, which are shown this once."""
    body = {"count": count, "expires_in_days": expires_in_days, **({"note": note} if note else {})}
    run("invitations", create=body, data=data, url=url, token=token)


@invitations.command("list")
def list_(
    state: Annotated[str, typer.Option(help="open, used or revoked.")] = "open",
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """List invitations, the newest first."""
    run("invitations", state=state, data=data, url=url, token=token)


@invitations.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="INVITATION_ID")],
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Make an unused key worthless."""
    run("invitations", revoke=id, data=data, url=url, token=token)


@beta.command()
def migrate(
    ends_on: Annotated[str, typer.Option(help="The day the Beta plan ends, such as 2026-12-31 (UTC).")],
    accounts: Annotated[list[str] | None, typer.Argument(metavar="ACCOUNT")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on the Beta plan.")] = False,
    promo: Annotated[str | None, typer.Option(help="A promotion code at Stripe.")] = None,
    percent_off: Annotated[int | None, typer.Option(min=1, max=100, help="So much off.")] = None,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Give Beta plans an end, and mail each customer the link to a special offer."""
    body = {"ends_on": ends_on, "promo": promo, "percent_off": percent_off}
    run("beta", accounts=accounts, everybody=everybody, body=body, data=data, url=url, token=token)


@catalog.command()
def plan(source: FromOption = None, target: ToOption = None, data: DataOption = DATA) -> None:
    """Show what would change at Stripe; exits with 1 when something would."""
    run("catalog", apply=False, source=source, target=target, yes=False, data=data)


@catalog.command()
def apply(
    source: FromOption = None,
    target: ToOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a named account is changed.")] = False,
    data: DataOption = DATA,
) -> None:
    """Change it. Interrupted or done again, it comes to the same."""
    run("catalog", apply=True, source=source, target=target, yes=yes, data=data)


@catalog.command("migrate")
def migrate_plan(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A key of policies/plans.yaml.")],
    accounts: Annotated[list[str] | None, typer.Option("--account", help="Whom; may be repeated.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on a former price.")] = False,
    target: ToOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a named account is changed.")] = False,
    data: DataOption = DATA,
) -> None:
    """Put subscribers of a plan's former prices on the one that is sold now, from their next invoice on."""
    run(
        "catalog_migration",
        plan=plan,
        accounts=accounts,
        everybody=everybody,
        target=target,
        yes=yes,
        data=data,
    )
