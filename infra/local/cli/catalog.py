"""`usher catalog plan` and `apply`: how an account of Stripe differs from what should be sold there."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra import plan_catalog, policy_files
from infra.local.cli.refusal import Refused
from infra.local.data_dir import read_dev_env
from infra.plan_catalog import Plan
from usher.adapters.stripe_calls import StripeCalls
from usher.adapters.system_clock import SystemClock
from usher.domain import money
from usher.domain.errors import UsherError
from usher.domain.plans import PlanCatalog
from usher.domain.vendor_catalog import Change, Entry, Kind
from usher.settings import MissingSetting, stripe_account

_SIGNS = {"create": "+", "change": "~", "archive": "-"}
_PLURALS: dict[Kind, str] = {
    "meter": "meters",
    "product": "products",
    "price": "prices",
    "promo": "promotion codes",
}


def run(*, apply: bool, source: str | None, target: str | None, yes: bool, data: Path) -> int:
    """Show what differs and, to `apply`, change it; returns 0 when nothing is left to do.

    Args:
        source: the account that is the model; None means policies/plans.yaml.
        target: the account that is looked at; None is the one of the Usher in `data`.
        yes: do not ask before a named account is changed.

    Returns:
        0: nothing differs, or all was changed; 1: `plan` found something to do.
    """
    with ExitStack() as stack:
        there = stack.enter_context(account(target, data))
        wanted = _wanted(stack.enter_context(account(source, data)) if source else None)
        with told():
            planned = plan_catalog.plan(wanted, there)
        print("\n".join(_lines(planned, source, target)))
        if not planned.changes or not apply:
            return 1 if planned.changes else 0
        if target is not None and not yes:
            asked(target)
        done = 0
        with told(lambda: f"{done} of {len(planned.changes)} changes were made; run it again for the rest"):
            for change in plan_catalog.apply(planned, there):
                done += 1
                print(f"{_SIGNS[change.action]} {change.kind} {change.key}: done")
    return 0


def _wanted(model: StripeCalls | None) -> list[Entry]:
    if model is not None:
        with told():
            return plan_catalog.of_account(model)
    try:
        catalog = PlanCatalog.model_validate(policy_files.load("plans"))
    except policy_files.PolicyFileError as error:
        raise Refused(str(error)) from error
    return plan_catalog.of_file(catalog, SystemClock().now().date())


@contextmanager
def account(name: str | None, data: Path) -> Iterator[StripeCalls]:
    """The account of this name, of which the environment has the key. Raises Refused."""
    try:
        if name is None:
            env = read_dev_env(data / "dev.env")
            base, key = env["STRIPE_API_BASE"], env["STRIPE_API_KEY"]
        else:
            base, key = stripe_account(name)
    except OSError as error:
        advice = f"start one with `usher up --data {data}`, or name an account with --to"
        raise Refused(f"no Usher has run in {data} yet: {advice}") from error
    except MissingSetting as error:
        raise Refused(str(error)) from error
    calls = StripeCalls(api_base=base, api_key=key)
    try:
        yield calls
    finally:
        calls.close()


@contextmanager
def told(left: Callable[[], str] | None = None) -> Iterator[None]:
    """What a vendor refuses, in one line, with what is `left` to do."""
    try:
        yield
    except UsherError as error:
        raise Refused(f"{error}{'; ' + left() if left else ''}", exit_code=1) from error


def asked(target: str) -> None:
    """Let a person say yes to a change of a named account. Raises Refused."""
    if not sys.stdin.isatty():
        raise Refused(f"the account {target} is changed with --yes only, where nobody can be asked")
    if input(f"Change the account {target}? Only yes is taken for it: ").strip() != "yes":
        raise Refused("nothing was changed", exit_code=1)


def _lines(planned: Plan, source: str | None, target: str | None) -> Iterator[str]:
    model = f"the account {source}" if source else "policies/plans.yaml"
    place = f"The account {target}" if target else "Stripe"
    if not planned.changes:
        yield f"Nothing to do: {place} sells what {model} says."
    for change in planned.changes:
        yield f"{_SIGNS[change.action]} {change.kind:8}{change.key}{_about(change)}"
    if planned.changes:
        counts = {action: sum(each.action == action for each in planned.changes) for action in _SIGNS}
        yield ", ".join(f"{count} to {action}" for action, count in counts.items())
    others = [f"{count} {_PLURALS[kind]}" for kind, count in planned.held.others.items() if count]
    if others:
        yield f"Left alone, because they are not Usher's: {', '.join(others)}"


def _about(change: Change) -> str:
    if change.wanted is None:
        return ""
    if change.action == "create":
        again = ", which is archived and comes back" if change.revives else ""
        return f"{_worth(change.wanted)}{again}"
    fields = "; ".join(f"{name}: {_shown(a)} -> {_shown(b)}" for name, (a, b) in change.fields.items())
    kept = {
        "price": ". A new price takes the key; who subscribed keeps the former one",
        "promo": ". A new code of this name; who redeemed the former one keeps it",
    }
    return f"  {fields}{kept.get(change.kind, '') if change.retires else ''}"


def _worth(entry: Entry) -> str:
    """What a price costs, as people read it."""
    terms = entry.terms
    if entry.kind != "price":
        return ""
    if terms["metric"]:
        return f"  {terms['amount']} minor units of {terms['currency'].upper()} for one"
    return f"  {money.text(int(terms['amount']), terms['currency'])} a {terms['interval']}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
