"""How handlers are found, called, counted and held to their limits."""

import threading
from typing import Any

import pytest

from infra import catalog
from infra.catalog import Function
from infra.local.functions import FunctionMissing, Functions, FunctionThrottled, FunctionTimedOut
from tests.unit.local.conftest import Runtime


def test_a_handler_gets_its_event_and_a_context_like_lambdas(runtime: Runtime) -> None:
    seen: list[Any] = []

    def consume(event: Any, context: Any) -> Any:
        seen.append(context)
        return event["n"]

    functions = runtime.functions(consume=consume)
    assert functions.invoke("room/consume", {"n": 3}) == 3
    [context] = seen
    assert context.function_name == "usher-room-consume"
    assert context.invoked_function_arn == "arn:aws:lambda:local:000000000000:function:usher-room-consume"
    assert 0 < context.get_remaining_time_in_millis() <= 30_000
    assert (context.memory_limit_in_mb, context.function_version) == (512, "$LATEST")
    assert len(context.aws_request_id) == 36


def test_calls_and_errors_are_counted_and_errors_pass_through(runtime: Runtime) -> None:
    def fail(event: Any, context: Any) -> None:
        raise KeyError("name")

    functions = runtime.functions(fail=fail)
    with pytest.raises(KeyError):
        functions.invoke("room/fail", {})
    count = functions.count("room/fail")
    assert (count.calls, count.errors, count.throttles) == (1, 1, 0)
    assert count.milliseconds >= 0


def test_an_answer_after_the_timeout_is_not_used(runtime: Runtime) -> None:
    entry = Function("room", "late", timeout_seconds=0)
    functions = runtime.functions(entry, late=lambda event, context: "too late")
    with pytest.raises(FunctionTimedOut, match="longer than 0 s"):
        functions.invoke("room/late", {})
    assert functions.count("room/late").errors == 1


def test_above_its_reserved_concurrency_a_call_is_throttled_or_waits(runtime: Runtime) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(event: Any, context: Any) -> None:
        entered.set()
        leave.wait(10)

    entry = Function("room", "hold", timeout_seconds=30, reserved_concurrency=1)
    functions = runtime.functions(entry, hold=hold)
    first = runtime.pool.submit(functions.invoke, "room/hold", {})
    entered.wait(10)
    with pytest.raises(FunctionThrottled):
        functions.invoke("room/hold", {})
    second = runtime.pool.submit(functions.invoke, "room/hold", {}, wait=True)
    assert functions.count("room/hold").calls == 0
    leave.set()
    first.result(10), second.result(10)
    assert (functions.count("room/hold").calls, functions.count("room/hold").throttles) == (2, 1)


def test_methods_take_turns_because_their_object_holds_the_event(runtime: Runtime) -> None:
    inside: list[int] = []
    most: list[int] = []

    class Resolver:
        def resolve(self, event: Any, context: Any) -> None:
            inside.append(1)
            most.append(len(inside))
            switch.wait(0.001)  # invites the others in
            inside.pop()

    switch = threading.Event()
    functions = runtime.functions(api=Resolver().resolve)
    calls = [runtime.pool.submit(functions.invoke, "room/api", {}) for _ in range(30)]
    for call in calls:
        call.result(10)
    assert max(most) == 1


def test_a_function_the_catalog_lacks_is_named() -> None:
    with pytest.raises(FunctionMissing, match="catalog"):
        Functions(()).invoke("room/nobody", {})


def test_a_missing_file_is_named_at_load() -> None:
    functions = Functions([Function("room", "not_written_yet", timeout_seconds=1)])
    with pytest.raises(FunctionMissing, match=r"functions/room/not_written_yet\.py"):
        functions.load()


def test_every_function_of_the_catalog_is_there() -> None:
    Functions(catalog.FUNCTIONS).load()
