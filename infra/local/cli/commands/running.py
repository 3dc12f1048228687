"""Commands of who tries Usher on this machine: run it, sign somebody up, look how that went."""

import time
from typing import Annotated

import typer

from infra.local.cli.options import DATA, DataOption, run
from infra.local.cores import on_one_core
from infra.local.data_dir import VENDORS
from infra.local.garbage import collect_nothing_yet
from infra.local.stand_ins.launch import loading


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
    began = time.monotonic()
    collect_nothing_yet()
    with (
        loading(VENDORS) as vendors,  # while we load ourselves
        on_one_core(others=[each.process.pid for each in vendors.values()]),
    ):
        run(
            "up",
            port=port,
            data=data,
            time_scale=time_scale,
            samples=samples or once,
            once=once,
            vendors=vendors,
            began=began,
        )


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
    run("signup", fields=fields, webhook_id=webhook_id, data=data)


def status(
    signup_id: Annotated[
        str, typer.Argument(metavar="SIGNUP_ID", help="The id that the sign-up was answered with.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
    data: DataOption = DATA,
) -> None:
    """Show how a sign-up stands, step by step."""
    run("status", signup_id=signup_id, as_json=as_json, data=data)


def tell_story(
    seed: Annotated[int, typer.Option(help="How late, disordered and doubled Stripe's events come.")] = 1,
) -> None:
    """Tell a year of one customer's life, from trial to return, with its books; nothing is kept."""
    run("story", seed=seed)
