"""The catalog, the function files and the workflow files name the same things."""

import pytest

from infra import catalog
from infra.aws.lock_layers import ROOT, VENDOR, pins
from infra.state_machine_file import FOLDER, SUFFIX, lambda_steps, load

CALLED = {
    *(queue.consumer for entry in catalog.QUEUES for queue in entry.consumed),
    *(stream.consumer for stream in catalog.STREAMS),
    *(rule.consumer for rule in catalog.RULES),
    *(schedule.consumer for schedule in catalog.SCHEDULES),
    *(route.function for route in catalog.ROUTES),
    *(catalog.step(step).path for entry in catalog.WORKFLOWS for step in lambda_steps(load(entry.name))),
    catalog.AUTHORIZER,
}


def test_every_function_file_is_in_the_catalog_and_the_other_way_round() -> None:
    files = {
        f"{path.parent.name}/{path.stem}"
        for path in (ROOT / "functions").glob("*/*.py")
        if path.stem != "__init__"
    }
    assert files == {entry.path for entry in catalog.FUNCTIONS}


def test_every_function_has_a_caller_and_every_caller_a_function() -> None:
    assert {entry.path for entry in catalog.FUNCTIONS} == CALLED


def test_every_workflow_file_is_in_the_catalog_and_the_other_way_round() -> None:
    files = {path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}")}
    assert files == {entry.name for entry in catalog.WORKFLOWS}


def test_no_name_is_listed_twice() -> None:
    for listed in (
        [entry.name for entry in catalog.TABLES],
        [entry.name for entry in catalog.QUEUES],
        [entry.path for entry in catalog.FUNCTIONS],
        [entry.step for entry in catalog.FUNCTIONS],
        [(entry.method, entry.path) for entry in catalog.ROUTES],
        [entry.name for entry in (*catalog.RULES, *catalog.SCHEDULES)],
    ):
        assert len(listed) == len(set(listed))


@pytest.mark.parametrize("entry", catalog.FUNCTIONS, ids=lambda entry: entry.path)
def test_a_function_lists_only_what_exists(entry: catalog.Function) -> None:
    assert {name for name, _ in entry.tables} <= {table.name for table in catalog.TABLES}
    assert set(entry.sends_to) <= {queue.name for queue in catalog.QUEUES}
    assert set(entry.starts) <= {workflow.name for workflow in catalog.WORKFLOWS}
    assert set(entry.secrets) <= set(catalog.SECRETS)
    assert {vendor for vendor in entry.vendors if not (VENDOR / vendor).is_dir()} <= {"http"}


def test_nothing_changes_or_deletes_in_an_append_only_table() -> None:
    fixed = {table.name for table in catalog.TABLES if table.append_only}
    access = {kind for entry in catalog.FUNCTIONS for name, kind in entry.tables if name in fixed}
    assert access <= {"append", "read"}


def test_layers_pin_the_versions_the_tests_run() -> None:
    tested = pins(ROOT / "requirements" / "run.txt")
    tested = {name.lower().replace("_", "-"): version for name, version in tested.items()}
    for lock in VENDOR.glob("*/requirements.txt"):
        for name, version in pins(lock).items():
            assert tested[name.lower().replace("_", "-")] == version, f"{lock}: {name}"


def test_every_wheel_of_a_layer_has_a_hash_and_no_address() -> None:
    for lock in VENDOR.glob("*/requirements.txt"):
        text = lock.read_text()
        assert text.count("--hash=sha256:") >= len(pins(lock)) > 0
        assert "://" not in text


def test_a_vendors_layer_repeats_nothing_of_core() -> None:
    core = set(pins(VENDOR / "core" / "requirements.txt"))
    for lock in VENDOR.glob("*/requirements.txt"):
        if lock.parent.name != "core":
            assert core.isdisjoint(pins(lock))
