"""What is on disk is enough: restarts in every phase, SIGKILL among many executions, full disks."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.clock import LocalClock
from infra.local.commit_group import Done
from infra.local.database import Database
from infra.local.engine import Engine, execution_arn
from infra.local.engine.journal import Entry, Journal
from tests.unit.engine import killed_engine
from tests.unit.engine.world import Services, World, scope, step, task, waiting_task

ROOT = Path(__file__).resolve().parents[3]
FULL = """
CREATE TRIGGER disk_is_full BEFORE INSERT ON workflow_frames
BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END
"""


def broken(_: Any) -> Any:
    raise ValueError("not today")


def fail_first_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full when the first execution wants to end."""
    commit = Journal.commit
    ends: list[str] = []

    def commit_or_fail(self: Journal, entry: Entry, done: Done) -> None:
        if entry.end is not None and not ends:
            ends.append(entry.end)
            done(sqlite3.OperationalError("database or disk is full"))
        else:
            commit(self, entry, done)

    monkeypatch.setattr(Journal, "commit", commit_or_fail)


def test_a_wait_goes_on_where_it_was(world: World) -> None:
    id = world.begin(
        world.register({"W": step("Wait", Seconds=100, Next="B"), "B": step("Pass", Output="over")})
    )
    world.clock.advance(40)
    world.restart()
    world.clock.advance(59)
    world.clock.settle()
    assert world.engine.describe(id)["status"] == "RUNNING"
    world.clock.advance(1)
    world.clock.settle()
    assert world.engine.describe(id)["output"] == "over"


def test_a_retry_keeps_its_count_and_its_moment(world: World) -> None:
    def fail(_: Any) -> Any:
        raise ValueError("no")

    world.function("work", fail)
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 10, "MaxAttempts": 2}]
    id = world.begin(world.register({"A": task(Retry=retry)}))
    world.restart()
    assert world.finish(id)["error"] == "ValueError"
    assert len(world.called("work")) == 3
    assert world.clock.timestamp() == 1_767_225_600 + 10 + 20


def test_a_token_stays_valid_and_its_heartbeat_due(world: World) -> None:
    tokens: list[str] = []
    world.function("work", lambda payload: tokens.append(payload["token"]))
    machine = world.register({"A": waiting_task(HeartbeatSeconds=50)})
    answered, silent = world.begin(machine), world.begin(machine)
    world.restart()
    world.engine.send_task_success(tokens[0], "answered")
    assert world.finish(answered)["output"] == "answered"
    assert world.finish(silent)["error"] == "States.HeartbeatTimeout"
    assert len(tokens) == 2, "a call that returned is not made again"


def test_variables_branches_and_outputs_survive(world: World) -> None:
    branches = [
        scope({"A": step("Pass", Output="{% $x %}")}),
        scope(
            {
                "B": step("Pass", Assign={"y": 2}, Next="W"),
                "W": step("Wait", Seconds=9, Output="{% $x + $y %}"),
            }
        ),
    ]
    states = {
        "S": step("Pass", Assign={"x": 1}, Next="P"),
        "P": step("Parallel", Branches=branches, Output={"r": "{% $states.result %}", "x": "{% $x %}"}),
    }
    id = world.begin(world.register(states))
    world.restart()
    assert world.finish(id)["output"] == {"r": [1, 3], "x": 1}


@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_a_map_goes_on_with_its_items(world: World, mode: str) -> None:
    config = {"Mode": mode, **({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})}
    inner = {"W": step("Wait", Seconds=10, Output="{% $states.input.n %}")}
    states = {
        "M": step(
            "Map",
            Items="{% $states.input %}",
            ItemSelector={"n": "{% $states.context.Map.Item.Value %}"},
            MaxConcurrency=2,
            ItemProcessor={**scope(inner), "ProcessorConfig": config},
        )
    }
    id = world.begin(world.register(states), [1, 2, 3, 4, 5])
    world.clock.advance(10)
    world.clock.settle()
    world.restart()
    world.clock.settle()
    world.clock.advance(5)
    world.clock.settle()
    world.restart()
    assert world.finish(id)["output"] == [1, 2, 3, 4, 5]
    assert world.clock.timestamp() == 1_767_225_600 + 30


def test_a_parent_hears_of_the_child_that_ended_after_the_restart(world: World) -> None:
    world.register({"W": step("Wait", Seconds=10, Output="grown")}, name="child")
    parent = {
        "S": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": {"StateMachineArn": "child"},
            "End": True,
        }
    }
    id = world.begin(world.register(parent))
    world.restart()
    world.register({"W": step("Wait", Seconds=10, Output="grown")}, name="child")
    world.clock.settle()
    assert world.finish(id)["output"]["Output"] == "grown"
    assert len(world.engine.list_executions(machine="child")) == 1


def test_a_child_is_started_once_although_its_start_is_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name comes from its place, so the second start finds the first."""
    world.register({"W": step("Wait", Seconds=10)}, name="child")
    parent = {
        "S": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution",
            "Arguments": {"StateMachineArn": "child"},
            "End": True,
        }
    }
    fail_first_end(monkeypatch)
    assert world.run(parent)["status"] == "SUCCEEDED"
    assert len(world.engine.list_executions(machine="child")) == 1


def test_the_machine_timeout_survives(world: World) -> None:
    id = world.begin(world.register({"W": step("Wait", Seconds=100)}, TimeoutSeconds=50))
    world.restart()
    assert world.finish(id)["status"] == "TIMED_OUT"
    assert world.clock.timestamp() == 1_767_225_600 + 50


def test_event_numbers_go_on_after_a_restart(world: World) -> None:
    id = world.begin(world.register({"W": step("Wait", Seconds=1)}))
    world.restart()
    world.finish(id)
    assert [event["id"] for event in world.engine.history(id)] == [1, 2, 3, 4]


def test_an_ended_execution_leaves_no_frontier_behind(world: World) -> None:
    states = {
        "P": step("Parallel", Branches=[scope({"A": step("Wait", Seconds=1)}), scope({"B": step("Pass")})])
    }
    world.run(states)
    count = world.database.reader().execute("SELECT count(*) FROM workflow_frames").fetchone()[0]
    assert count == 0


def test_a_commit_that_fails_costs_nothing_but_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the execution goes on from its last commit, and the call in between is made again."""
    calls: list[Any] = []

    def work(payload: Any) -> int:
        calls.append(payload)
        return len(calls)

    fail_first_end(monkeypatch)
    world.function("work", work)
    output = world.output({"A": task(Output="{% $states.result.Payload %}")})
    assert (output, len(calls)) == (2, 2)


def test_a_redrive_that_could_not_be_written_leaves_the_execution_as_it_was(world: World) -> None:
    """Running again without its frames, it could neither go on nor be redriven."""
    world.function("work", broken)
    id = world.begin(world.register({"A": task(Output="{% $states.result.Payload %}")}))
    failed = world.finish(id)
    world.database.write(lambda connection: connection.execute(FULL) and None)
    with pytest.raises(sqlite3.Error, match="disk is full"):
        world.engine.redrive(id)
    assert world.engine.describe(id) == failed
    world.database.write(lambda connection: connection.execute("DROP TRIGGER disk_is_full") and None)
    world.restart()
    world.function("work", lambda _: "mended")
    world.engine.redrive(id)
    ended = world.finish(id)
    assert (ended["output"], ended["redriveCount"]) == ("mended", 1)
    assert world.kinds(id).count("ExecutionRedriven") == 1


def test_a_killed_process_loses_nothing_that_was_started(tmp_path: Path) -> None:
    """SIGKILL with many in flight: every execution that was acknowledged ends, each step at least once."""
    command = [sys.executable, "-m", killed_engine.__name__, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/usher/python'}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(60)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
    database, clock, services = Database(tmp_path / "engine.db"), LocalClock(), Services()
    services.functions = dict.fromkeys(killed_engine.STEPS, killed_engine.effect(tmp_path))
    engine = Engine(database, clock, services, workers=8)
    try:
        running = engine.list_executions(status="RUNNING", limit=10_000)
        engine.start()
        for name in acknowledged:
            killed_engine.wait_for_end(engine, execution_arn("killed", name))
        ended = engine.list_executions(machine="killed", limit=10_000)
    finally:
        engine.stop()
        clock.close()
        database.close()
    assert running, "the process was killed while executions ran"
    assert {"", None} & set(acknowledged) == set()
    assert set(acknowledged) <= {one["name"] for one in ended}
    effects = (tmp_path / "effects").read_text().split()
    for name in acknowledged:
        assert set(killed_engine.STEPS) == {e.partition(":")[2] for e in effects if e.startswith(f"{name}:")}
    twice = len(effects) - len(set(effects))
    assert twice <= 8, "only calls in flight at the kill may be made again, at most one per worker"
