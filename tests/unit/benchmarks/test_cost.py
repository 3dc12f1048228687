"""The arithmetic of the cost benchmark: sizes to units, units to dollars, calls to seconds."""

import pytest

from benchmarks.cost_durations import AWS_SECONDS, VENDOR_SECONDS, Assumptions, Use, gb_seconds, seconds
from benchmarks.cost_meter import sampled
from benchmarks.cost_prices import MONTHLY, PRICES, by_service, cost
from benchmarks.cost_sizes import index_units, item_bytes, read_units, write_units
from infra.catalog_entries import Index, Table

KB = {"id": "x" * 1022}  # two bytes of name: one kilobyte exactly
TABLE = Table(
    "t", "a table", "id", indexes=(Index("by_stage", "stage", "at", projects=()), Index("by_all", "all"))
)


def test_a_size_is_that_of_names_and_values() -> None:
    assert item_bytes(None) == item_bytes({}) == 0
    assert item_bytes({"né": "é"}) == 3 + 2
    assert item_bytes({"n": 12345, "m": -7, "z": 0}) == 3 + (3 + 1) + (1 + 1 + 1) + (1 + 1)
    assert item_bytes({"b": True, "o": None}) == 2 + 2
    assert item_bytes({"l": ["ab", 1]}) == 1 + 3 + (1 + 2) + (1 + 2)
    assert item_bytes({"m": {"a": "b"}}) == 1 + 3 + 2 + 1


def test_a_write_counts_its_larger_side_by_the_kilobyte_and_twice_in_a_transaction() -> None:
    over = {"id": KB["id"] + "x"}
    assert write_units(None, KB) == 1
    assert write_units(None, over) == write_units(over, None) == write_units(over, KB) == 2
    assert write_units(KB, over, transacted=True) == 4
    assert write_units(None, None) == 1  # a condition that failed on nothing


def test_an_index_counts_only_what_changes_in_it_and_a_new_key_twice() -> None:
    item = {"id": "1", "stage": "a", "at": "1", "other": "x"}
    assert index_units(TABLE, None, {"id": "1"}) == 0
    assert index_units(TABLE, None, item) == index_units(TABLE, item, None) == 1
    assert index_units(TABLE, item, {**item, "other": "y"}) == 0
    assert index_units(TABLE, item, {**item, "stage": "b"}) == 2
    whole = {"id": "1", "all": "k"}
    assert index_units(TABLE, whole, {**whole, "note": "n" * 2000}) == 2  # two kilobytes, not two writes


def test_what_is_read_together_is_rounded_together_and_an_index_halves_it() -> None:
    assert read_units([]) == read_units([0]) == 1
    assert read_units([4096]) == 1
    assert read_units([2000, 2000, 97]) == 2
    assert read_units([4096], consistent=False) == 0.5


def test_a_thousand_sign_ups_of_twelve_states_cost_thirty_cents() -> None:
    assert cost({"transition": 12_000}) == {"transition": pytest.approx(0.30)}


def test_what_has_no_price_is_an_error_and_nothing_goes_uncounted() -> None:
    with pytest.raises(KeyError):
        cost({"transition": 1, "free lunch": 1})


def test_services_add_up_to_the_sum_dearest_first() -> None:
    costs = cost({"write_unit": 1e6, "read_unit": 1e6, "transition": 1e6})
    found = by_service(costs)
    assert list(found) == ["Step Functions", "DynamoDB"]
    assert found["DynamoDB"] == pytest.approx(0.625 + 0.125)
    assert sum(found.values()) == pytest.approx(sum(costs.values()))


def test_every_price_names_its_page() -> None:
    assert all(price.page and price.unit and price.usd > 0 for price in {**PRICES, **MONTHLY}.values())


def test_billed_seconds_are_cpu_over_the_share_of_a_core_and_all_waits() -> None:
    use = Use(memory_mb=1769, invocations=10, cpu_seconds=1.0)
    free = Assumptions(cold=0.0)
    assert seconds(use, {}, free) == pytest.approx(1.0 + 10 * 0.0005)
    assert gb_seconds(use, {}, free) == pytest.approx(seconds(use, {}, free) * 1769 / 1024)
    half = Use(memory_mb=1769 // 2, invocations=10, cpu_seconds=1.0)
    assert seconds(half, {}, free) > 2.0
    asking = Use(memory_mb=1769)
    asking.aws_calls["sqs"] += 3
    asking.vendor_calls["stripe"] += 2
    waited = 3 * AWS_SECONDS["sqs"] + 2 * VENDOR_SECONDS["stripe"]
    assert waited < seconds(asking, {"sqs": 0.001}, free) < waited + 0.01
    assert seconds(asking, {"sqs": 0.0}, Assumptions(cold=0.0, vendors=2.0)) > waited + 1.0


def test_cold_starts_are_paid_by_their_share() -> None:
    use = Use(memory_mb=512, invocations=100)
    warm, cold = (seconds(use, {}, Assumptions(cold=share)) for share in (0.0, 0.05))
    assert cold - warm == pytest.approx(5 * Assumptions().cold_seconds)


@pytest.mark.parametrize(("count", "recorded"), [(0, 0), (1, 1), (2, 1.05), (21, 2)])
def test_the_first_trace_of_a_second_is_recorded_and_a_twentieth_of_the_rest(
    count: int, recorded: float
) -> None:
    assert sampled(count) == pytest.approx(recorded)
