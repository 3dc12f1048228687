"""A test's hand on a running stand-in: its faults, what it holds, what it did, through `/_control/`."""

import json
import socket
import traceback
from typing import Any

import urllib3

FAULTS = {
    # what happens -> may the vendor have done the work, as far as the caller can know?
    "fail_before": True,
    "fail_after": True,
    "timeout_after": True,
    "429": False,
    "500": True,
    "malformed": True,
}


class Control:
    """The `/_control/` routes of the stand-in at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=5.0)

    def close(self) -> None:
        self._pool.clear()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> urllib3.BaseHTTPResponse:
        """Any call to the stand-in."""
        text = None if body is None else json.dumps(body)
        return self._pool.request(method, self.url + path, body=text, headers=headers)

    def fault(self, operation: str, fault: str, **more: Any) -> None:
        """Order a fault for the next call of the operation."""
        order = {"operation": operation, "fault": fault, "seconds": 30.0, **more}
        assert self.call("POST", "/_control/faults", order).status == 200

    def held(self, kind: str) -> list[dict[str, Any]]:
        """The objects of a kind, oldest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/_control/objects?kind={kind}").json()["objects"][
            kind
        ]
        return found

    def effects(self) -> int:
        """How many calls changed something so far."""
        return sum(each["effects"] for each in self.call("GET", "/_control/calls").json().values())

    def calls(self) -> int:
        """How many calls were made so far."""
        return sum(each["calls"] for each in self.call("GET", "/_control/calls").json().values())


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def as_logged(error: BaseException | None) -> str:
    """What the error and all its causes say, as a log would show it (less the source lines)."""
    said = ""
    while error is not None:
        said += "".join(traceback.format_exception_only(error))
        error = error.__cause__ or error.__context__
    return said
