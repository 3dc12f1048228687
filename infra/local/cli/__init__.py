"""The command `usher`: what its command line takes; the work of each command is in the module of its name."""

import importlib
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.local.cli.refusal import Refused

DATA = Path(".usher")

app = typer.Typer(
    help="From sign-up to a paid, provisioned, welcomed account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where Usher keeps everything.")]
UrlOption = Annotated[
    str | None, typer.Option("--url", help="An Usher elsewhere. [default: the one in --data]")
]
TokenOption = Annotated[
    str | None, typer.Option("--token", help="An operator's token. [default: support's, of dev.env]")
]


def _run(command: str, /, **options: Any) -> None:
    # Loaded here and not above, so that `usher --help` does not wait for what `usher up` needs.
    code: int = importlib.import_module(f"infra.local.cli.{command}").run(**options)
    raise typer.Exit(code)


@app.callback()
def usher() -> None:
    """From sign-up to a paid, provisioned, welcomed account."""


@app.command()
def up(
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Where to listen; 0 picks a free port. [default: 8080, then the last]"
        ),
    ] = None,
    data: DataOption = DATA,
    time_scale: Annotated[
        float, typer.Option(metavar="N", min=0.001, max=100_000, help="Seconds of business time per second.")
    ] = 1.0,
    samples: Annotated[bool, typer.Option("--samples", help="Post the sample sign-ups of events/.")] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Post the samples, and exit: 0 when all came to what was expected.")
    ] = False,
) -> None:
    """Run Usher on this machine, with a stand-in for each vendor."""
    _run(
        "up",
        port=port,
        data=data,
        time_scale=time_scale,
        samples=samples or once,
        once=once,
        began=time.monotonic(),
    )


@app.command()
def signup(
    email: Annotated[str, typer.Option(help="Whose sign-up it is.")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    plan: Annotated[str, typer.Option(help="A key of policies/plans.yaml.")],
    payment_method: Annotated[
        str | None, typer.Option(help="A payment method at Stripe, such as pm_card_visa.")
    ] = None,
    payment: Annotated[str | None, typer.Option(help="card, bank or invoice.")] = None,
    trial: Annotated[
        bool | None, typer.Option("--trial/--no-trial", help="Begin with the plan's trial.")
    ] = None,
    phone: Annotated[str | None, typer.Option(help="In international form, such as +14155550123.")] = None,
    company: Annotated[str | None, typer.Option(help="The company's name.")] = None,
    company_domain: Annotated[str | None, typer.Option(help="The company's domain.")] = None,
    company_size: Annotated[int | None, typer.Option(help="How many people work there.")] = None,
    referral_source: Annotated[
        str | None, typer.Option(help="Where the person heard of the product.")
    ] = None,
    invitation_key: Annotated[str | None, typer.Option(help="The key of an invitation.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The product's own id of the person.")] = None,
    locale: Annotated[str | None, typer.Option(help="Such as en-GB.")] = None,
    webhook_id: Annotated[
        str | None,
        typer.Option(help="Post as this delivery; the same id again is a repeat. [default: a new one]"),
    ] = None,
    data: DataOption = DATA,
) -> None:
    """Post one signed sign-up to the running Usher, as a product's backend would, and follow it."""
    fields = {
        "email": email,
        "name": name,
        "plan": plan,
        "payment_method": payment_method,
        "payment": payment,
        "trial": trial,
        "phone": phone,
        "company": {"name": company, "domain": company_domain, "size": company_size},
        "referral_source": referral_source,
        "invitation_key": invitation_key,
        "external_id": external_id,
        "locale": locale,
    }
    _run("signup", fields=fields, webhook_id=webhook_id, data=data)


@app.command()
def status(
    signup_id: Annotated[
        str, typer.Argument(metavar="SIGNUP_ID", help="The id that the sign-up was answered with.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    data: DataOption = DATA,
) -> None:
    """Show how a sign-up stands, step by step."""
    _run("status", signup_id=signup_id, as_json=as_json, data=data)


@app.command("story")
def tell_story(
    seed: Annotated[int, typer.Option(help="How late, disordered and doubled Stripe's events come.")] = 1,
) -> None:
    """Tell a year of one customer's life, from trial to return, with its books; nothing is kept."""
    _run("story", seed=seed)


@app.command()
def failures(
    state: Annotated[str, typer.Option(help="open, redriving or resolved.")] = "open",
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """List what failed for good, with the reason, the longest first."""
    _run("failures", state=state, as_json=as_json, data=data, url=url, token=token)


@app.command()
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
    _run("redrive", id=id, everything=everything, reason=reason, data=data, url=url, token=token)


events = typer.Typer(help="What happened.", no_args_is_help=True)
stripe = typer.Typer(help="What Stripe tells us.", no_args_is_help=True)
invitations = typer.Typer(help="Keys to the beta phase.", no_args_is_help=True)
beta = typer.Typer(help="The beta phase and its end.", no_args_is_help=True)
app.add_typer(events, name="events")
app.add_typer(stripe, name="stripe")
app.add_typer(invitations, name="invitations")
app.add_typer(beta, name="beta")


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
    _run(
        "events", account=account, type=type, follow=follow, as_json=as_json, data=data, url=url, token=token
    )


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
    _run("stripe_backfill", since=since, data=data, url=url, token=token)


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
    _run("invitations", create=body, data=data, url=url, token=token)


@invitations.command("list")
def list_(
    state: Annotated[str, typer.Option(help="open, used or revoked.")] = "open",
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """List invitations, the newest first."""
    _run("invitations", state=state, data=data, url=url, token=token)


@invitations.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="INVITATION_ID")],
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Make an unused key worthless."""
    _run("invitations", revoke=id, data=data, url=url, token=token)


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
    _run("beta", accounts=accounts, everybody=everybody, body=body, data=data, url=url, token=token)


catalog = typer.Typer(help="What is sold, at Stripe as policies/plans.yaml says.", no_args_is_help=True)
app.add_typer(catalog, name="catalog")
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


@catalog.command()
def plan(source: FromOption = None, target: ToOption = None, data: DataOption = DATA) -> None:
    """Show what would change at Stripe; exits with 1 when something would."""
    _run("catalog", apply=False, source=source, target=target, yes=False, data=data)


@catalog.command()
def apply(
    source: FromOption = None,
    target: ToOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before a named account is changed.")] = False,
    data: DataOption = DATA,
) -> None:
    """Change it. Interrupted or done again, it comes to the same."""
    _run("catalog", apply=True, source=source, target=target, yes=yes, data=data)


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
    _run(
        "catalog_migration",
        plan=plan,
        accounts=accounts,
        everybody=everybody,
        target=target,
        yes=yes,
        data=data,
    )


ledger = typer.Typer(help="The double-entry ledger, as CSV.", no_args_is_help=True)
app.add_typer(ledger, name="ledger")


@ledger.command("trial-balance")
def trial_balance(
    as_of: Annotated[str | None, typer.Option(help="The last day that counts. [default: today]")] = None,
    data: DataOption = DATA,
    url: UrlOption = None,
    token: TokenOption = None,
) -> None:
    """Debits, credits and balance of every account."""
    _run("ledger", what="trial-balance", query={"as_of": as_of}, data=data, url=url, token=token)


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
    _run("ledger", what="statement", query=query, data=data, url=url, token=token)


@ledger.command()
def quarantine(data: DataOption = DATA, url: UrlOption = None, token: TokenOption = None) -> None:
    """What cannot be posted yet, and why."""
    _run("ledger", what="quarantine", query={}, data=data, url=url, token=token)


@app.command()
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
    _run("reconcile", since=since, until=until, heal=heal, as_json=as_json, data=data, url=url, token=token)


def main() -> None:
    """The entry point. What cannot be done is told in one line; exit codes: 2 not started, 1 not achieved."""
    try:
        app(prog_name="usher")
    except Refused as refused:
        print(f"usher: {refused}", file=sys.stderr)
        sys.exit(refused.exit_code)
