"""The engine benchmark's workload on DBOS; run by benchmarks/engine.py with an interpreter that has DBOS.

Arguments: port of the call server, database URL, executions, concurrency, file for the result.
"""

import json
import sys
import threading
import time
from pathlib import Path

from dbos import DBOS, SetWorkflowID

from benchmarks import engine_calls

PORT, URL, EXECUTIONS, CONCURRENCY = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

DBOS(
    config={
        "name": "six-steps",
        "system_database_url": URL,
        "sys_db_pool_size": CONCURRENCY,
        "run_admin_server": False,
        "log_level": "ERROR",
    }
)


@DBOS.step(retries_allowed=True, max_attempts=5)  # type: ignore[untyped-decorator]  # DBOS is in its own environment
def call(step: int, account_id: str) -> str:
    return str(json.loads(engine_calls.call(PORT, step))["id"])


@DBOS.workflow()  # type: ignore[untyped-decorator]  # as above
def six_steps(account_id: str) -> list[str]:
    return [call(step, account_id) for step in range(1, engine_calls.STEPS + 1)]


def main() -> None:
    DBOS.launch()
    six_steps("acc_warm_up")
    took: list[float] = []
    todo = iter(range(EXECUTIONS))
    lock = threading.Lock()

    def client() -> None:
        while True:
            with lock:
                number = next(todo, None)
            if number is None:
                return
            started = time.perf_counter()
            with SetWorkflowID(f"run-{number}"):
                six_steps(f"acc_{number}")
            took.append(time.perf_counter() - started)

    begun = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(CONCURRENCY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Path(sys.argv[5]).write_text(json.dumps({"took": took, "seconds": time.perf_counter() - begun}))
    DBOS.destroy()


if __name__ == "__main__":
    main()
