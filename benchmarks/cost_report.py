"""What the cost benchmark counted, told: a table by service, where it comes from, what would change it."""

from dataclasses import dataclass
from typing import Any

from benchmarks.cost_durations import Assumptions, gb_seconds
from benchmarks.cost_meter import Meter
from benchmarks.cost_prices import MONTHLY, PRICES, by_service, cost
from infra import catalog
from infra.traced import traced

BUDGET = 0.45  # USD per 1,000 sign-ups (DESIGN.md section 6)
MONTH_HOURS = 730
OTHER_METRICS = 10  # tries, failures filed, events parked and the like


@dataclass
class Run:
    """What a run counted, for so many sign-ups."""

    signups: int
    per_minute: float
    meter: Meter
    transitions: int
    executions: int
    stored_bytes: int

    def per_thousand(self, given: Assumptions, sdk: dict[str, float]) -> dict[str, float]:
        """Quantities for 1,000 sign-ups, by the names of the prices."""
        found = self.meter.totals()
        uses = [*self.meter.uses.values(), self.meter.answers]
        found["gb_second"] = sum(gb_seconds(use, sdk, given) for use in uses)
        found["transition"] = self.transitions
        return {name: quantity * 1000 / self.signups for name, quantity in found.items()}


def tell(ran: Run, sdk: dict[str, float]) -> float:
    """Print what came of a run; returns the USD per 1,000."""
    quantities = ran.per_thousand(Assumptions(), sdk)
    costs = cost(quantities)
    total = sum(costs.values())
    print(f"{ran.signups} active card sign-ups, {ran.per_minute:g} a minute")
    print(f"  {'service':17} {'unit':24} {'per sign-up':>12} {'USD per 1,000':>14}")
    for service in by_service(costs):
        names = [name for name in quantities if PRICES[name].service == service]
        for name in sorted(names, key=lambda each: -costs[each]):
            price = PRICES[name]
            print(f"  {service:17} {price.unit:24} {quantities[name] / 1000:12.3f} {costs[name]:14.4f}")
    state = "met" if total <= BUDGET else "NOT met"
    print(f"  {'total':17} {'':24} {'':12} {total:14.4f}   (budget {BUDGET}: {state})")
    return total


def tell_parts(ran: Run, sdk: dict[str, float]) -> None:
    """Print where units, bytes and seconds come from."""
    count = ran.signups
    print("  write units a sign-up: " + _listed(ran.meter.writes, count))
    print("  read units a sign-up: " + _listed(ran.meter.reads, count))
    print("  bytes of log a sign-up: " + _listed(ran.meter.logs, count, digits=0))
    print(f"  {'function':34} {'calls':>6} {'own CPU ms':>11} {'billed ms':>10}   each; vendors' calls")
    for name, use in sorted(
        ran.meter.uses.items(), key=lambda entry: -gb_seconds(entry[1], sdk, Assumptions())
    ):
        each = 1000 / use.invocations
        billed = gb_seconds(use, sdk, Assumptions()) * 1024 / use.memory_mb * each
        vendors = ", ".join(f"{v} {n / use.invocations:.2f}" for v, n in use.vendor_calls.items())
        print(
            f"  {name:34} {use.invocations / count:6.2f} {use.cpu_seconds * each:11.1f} {billed:10.1f}"
            f"   {vendors}"
        )


def _listed(counted: Any, count: int, digits: int = 2) -> str:
    ordered = sorted(counted.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{name} {units / count:.{digits}f}" for name, units in ordered if units)


VARIED = {
    "vendors twice as slow": Assumptions(vendors=2.0),
    "a core of Lambda's half as fast": Assumptions(cpu=2.0),
    "AWS's own answers twice as slow": Assumptions(aws=2.0),
    "one invocation in twenty cold": Assumptions(cold=0.05),
}


def tell_varied(ran: Run, sdk: dict[str, float]) -> None:
    """Print what the sum would be were an assumption wrong."""
    for name, given in VARIED.items():
        print(f"  {name}: {sum(cost(ran.per_thousand(given, sdk)).values()):.4f}")
    starts = ran.executions * 1000 / ran.signups * PRICES["transition"].usd
    total = sum(cost(ran.per_thousand(Assumptions(), sdk)).values())
    print(f"  were the start of an execution counted as a transition too: {total + starts:.4f}")


def tell_month(ran: Run) -> None:
    """Print what is paid by the month, whoever signs up."""
    consumed = sum(len(queue.consumed) for queue in catalog.QUEUES)
    calls = sum(MONTH_HOURS * 60 / entry.every_minutes for entry in catalog.SCHEDULES)
    watched = [*catalog.QUEUES, *catalog.STREAMS, *catalog.RULES, *catalog.SCHEDULES]
    quantities: dict[str, float] = {
        "alarm": len(watched)
        + len(catalog.QUEUES)
        + len(catalog.STREAMS)
        + 4 * len(catalog.WORKFLOWS)
        + 2 * len(catalog.FUNCTIONS)
        + 5,
        "metric": len(traced()) + OTHER_METRICS,  # a time for each step
        "key": 1,
        "secret": len(catalog.SECRETS),
        "empty_receive": consumed * 5 * 3 * 60 * MONTH_HOURS,  # five pollers, each asks every 20 s
        "schedule_call": calls,
        "schedule_request": calls,
        "stored_gb": 0.0,
    }
    costs = cost(quantities, MONTHLY)
    print("per month, not per sign-up")
    for name, usd in sorted(costs.items(), key=lambda entry: -entry[1]):
        if usd:
            print(f"  {MONTHLY[name].service:22} {quantities[name]:10.0f} {MONTHLY[name].unit:32} {usd:8.2f}")
    kept = ran.stored_bytes / ran.signups
    print(f"  {kept:.0f} bytes stay of a sign-up; of a million: {kept / 1000 * MONTHLY['stored_gb'].usd:.2f}")
