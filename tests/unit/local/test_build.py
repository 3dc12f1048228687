"""Everything of the catalog, built and running as one, with plain functions behind its names."""

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import catalog
from infra.local.build import LocalUsher
from infra.local.clock import LocalClock
from usher.bootstrap.platform import platform
from usher.ports.queue import Message
from usher.ports.store import Put
from usher.settings import Settings, settings

IDS = {"signup_id": "su_1", "correlation_id": "cor_1"}

DONE = {"outcome": "ok", "wait": {}}


class Deployment:
    """A LocalUsher on handlers of the test: every function succeeds unless the test says otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: list[tuple[str, Any]] = []
        self.acts: dict[str, Callable[[Any], Any]] = {}
        self.clock = LocalClock()
        self.usher = self.built()

    def built(self) -> LocalUsher:
        handlers = {entry.path: self._handler(entry.path) for entry in catalog.FUNCTIONS}
        return LocalUsher(self.path, Settings(), clock=self.clock, handlers=handlers, schedules=False)

    def restart(self) -> None:
        self.usher.stop()
        self.usher = self.built()
        self.usher.start()

    def called(self, path: str) -> list[Any]:
        return [event for name, event in self.calls if name == path]

    def _handler(self, path: str) -> Callable[[Any, Any], Any]:
        def handler(event: Any, context: Any) -> Any:
            self.calls.append((path, event))
            act = self.acts.get(path)
            if act:
                return act(event)
            for record in event.get("Records", ()):
                if token := json.loads(record.get("body", "{}")).get("task_token"):
                    assert platform().workflows.succeed(token, DONE)
            return DONE if "Records" not in event else None

        return handler


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    deployment = Deployment(tmp_path)
    deployment.usher.start()
    yield deployment
    deployment.usher.stop()
    deployment.clock.close()


def start(deployment: Deployment) -> str:
    return platform().workflows.start("onboarding", name="signup-su_1", input=IDS)


def test_it_contains_what_the_catalog_lists(deployment: Deployment) -> None:
    inventory = deployment.usher.inventory()
    letters = [
        entry.dead_letters
        for entry in (*catalog.QUEUES, *catalog.STREAMS, *catalog.RULES, *catalog.SCHEDULES)
    ]
    assert set(inventory["queues"]) == {entry.name for entry in catalog.QUEUES} | set(letters)
    assert inventory["functions"] == tuple(entry.path for entry in catalog.FUNCTIONS)
    assert inventory["rules"] == tuple(entry.name for entry in catalog.RULES)
    assert set(inventory["routes"]) == {f"{entry.method} {entry.path}" for entry in catalog.ROUTES}


def test_platform_and_settings_are_installed_while_it_runs(deployment: Deployment) -> None:
    assert platform() is deployment.usher.platform
    assert settings().public_url == deployment.usher.url


def test_a_queued_message_reaches_the_queues_consumer(deployment: Deployment) -> None:
    platform().queue.send("signups", [Message(IDS)])
    assert deployment.usher.wait_idle()
    [event] = deployment.called("intake/dispatch_signup")
    assert event["Records"][0]["eventSourceARN"] == "arn:aws:sqs:local:000000000000:signups"


def test_a_workflow_calls_its_functions_to_its_end(deployment: Deployment) -> None:
    id = start(deployment)
    assert deployment.usher.wait_idle()
    found = platform().workflows.describe(id)
    assert found is not None and found.status == "SUCCEEDED"
    assert deployment.called("onboarding/register_signup")[0]["signup_id"] == "su_1"


def test_an_execution_that_a_bug_ends_is_told_on_the_default_bus(deployment: Deployment) -> None:
    def bug(event: Any) -> None:
        raise KeyError("a bug")

    deployment.acts["onboarding/register_signup"] = bug
    id = start(deployment)
    assert deployment.usher.wait_idle()
    [event] = deployment.called("operations/file_failed_execution")
    assert (event["detail"]["executionArn"], event["detail"]["status"]) == (id, "FAILED")


def test_a_stored_event_goes_by_stream_and_bus_to_its_rule(deployment: Deployment) -> None:
    envelope = {"type": "onboarding.degraded", "event_id": "evt_1"}

    def publish(event: Any) -> None:
        platform().bus.publish([envelope])

    deployment.acts["reporting/publish_events"] = publish
    platform().store.write(Put("events", {"account_id": "acc_1", "sequence": 1}))
    assert deployment.usher.wait_idle()
    [record] = deployment.called("reporting/publish_events")[0]["Records"]
    assert record["dynamodb"]["Keys"]["account_id"] == {"S": "acc_1"}
    [event] = deployment.called("operations/tell_operators")
    assert event["detail"] == envelope


def test_http_reaches_the_function_of_the_route(deployment: Deployment) -> None:
    deployment.acts["operations/health"] = lambda event: {"statusCode": 200, "body": '{"status": "ok"}'}
    host, _, port = deployment.usher.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b'{"status": "ok"}'
    connection.close()


def test_what_is_unfinished_at_a_stop_resumes_at_the_next_start(deployment: Deployment) -> None:
    deployment.usher.queue.send("signups", [Message(IDS, delay_seconds=600)])
    assert not deployment.usher.idle()
    deployment.restart()
    assert deployment.usher.queue.depth("signups").delayed == 1
    assert not deployment.usher.wait_idle(timeout=0)


def test_what_a_killed_process_had_begun_holds_nobody_up(deployment: Deployment) -> None:
    store = deployment.usher.store
    for status in ("INPROGRESS", "COMPLETED"):
        store.write(Put("idempotency", {"id": status, "status": status, "expiration": 4_000_000_000}))
    deployment.restart()
    store = deployment.usher.store
    assert store.get("idempotency", {"id": "INPROGRESS"}) is None
    assert store.get("idempotency", {"id": "COMPLETED"}) is not None


def test_messages_that_a_dead_process_had_in_hand_are_free_again(deployment: Deployment) -> None:
    for id, status in (("dispatch#1", "INPROGRESS"), ("dispatch#2", "COMPLETED")):
        platform().store.write(Put("idempotency", {"id": id, "status": status}))
    deployment.restart()
    assert platform().store.get("idempotency", {"id": "dispatch#1"}) is None
    assert platform().store.get("idempotency", {"id": "dispatch#2"}) is not None


def test_a_stop_that_follows_no_start_closes_everything(tmp_path: Path) -> None:
    clock = LocalClock()
    LocalUsher(tmp_path, Settings(), clock=clock).stop()
    clock.close()
