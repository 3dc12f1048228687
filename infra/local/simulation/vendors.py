"""The vendors of a simulation: stand-ins that answer in process, in the simulation's own time."""

import contextlib
import dataclasses
import io
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

from infra.local.clock import LocalClock
from infra.local.stand_ins import serve
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.limits import RateLimits
from infra.local.stand_ins.stand_in import StandIn

KEYS = {
    "stripe": "sk_test_simulation",
    "hubspot": "pat-na1-simulation",
    "postmark": "postmark-simulation",
    "product": "prd_simulation",
    "slack": "T000/B000/SIMULATION",
}


class Vendors:
    """The five stand-ins behind `http://NAME.simulation`, each answering one call at a time.

    Args:
        stripe: settings of Stripe's beside its key.

    Attributes:
        latency: called before each call of a vendor; it may let time pass.
        called: told the vendor's name after each call.
        answers: how often each (vendor, status) was answered.
        calls: how often each (vendor, operation) was called.
    """

    def __init__(self, folder: Path, clock: LocalClock, stripe: Mapping[str, Any]) -> None:
        self._folder, self._clock = folder, clock
        self.stand_ins = {name: self._create(name, stripe) for name in serve.NAMES}
        self.latency: Callable[[], None] = lambda: None
        self.called: Callable[[str], None] = lambda name: None
        self._locks = {name: threading.Lock() for name in serve.NAMES}
        self.urls = {name: f"http://{name}.simulation" for name in serve.NAMES}
        self.answers: Counter[tuple[str, int]] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()

    def _create(self, name: str, stripe: Mapping[str, Any]) -> StandIn:
        config = Config(api_key=KEYS[name], check_contract=False)
        if name == "stripe":
            config = dataclasses.replace(config, **stripe)
        stand_in = serve.create(name, self._folder, config)
        stand_in.clock.wall = stand_in.clock.now = self._clock.timestamp  # type: ignore[method-assign]  # its time is ours
        stand_in.limits = RateLimits(self._clock.timestamp)
        return stand_in

    def keep_limits(self, stripe: Mapping[str, Any]) -> None:
        """Answer 429 above the documented rates, or Stripe's `stripe`, from now on, and count from here."""
        for name, stand_in in self.stand_ins.items():
            options = {**stand_in.config.options, **(stripe if name == "stripe" else {})}
            stand_in.config = dataclasses.replace(stand_in.config, enforce_limits=True, options=options)
        self.answers.clear()
        self.calls.clear()

    def close(self) -> None:
        for stand_in in self.stand_ins.values():
            stand_in.state.close()

    def urlopen(self, pool: urllib3.HTTPConnectionPool, method: str, url: str, **given: Any) -> Any:
        """In place of the connection pool's: hand the request to the stand-in of the pool's host."""
        name = pool.host.partition(".")[0]
        self.latency()
        target, body = urlsplit(url), given.get("body") or b""
        request = Request(
            method,
            target.path,
            target.query,
            {key.lower(): str(value) for key, value in (given.get("headers") or {}).items()},
            body if isinstance(body, bytes) else body.encode(),
        )
        answer = self.answer(name, request)
        return urllib3.HTTPResponse(
            io.BytesIO(answer.body),
            headers=answer.headers,
            status=answer.status,
            preload_content=given.get("preload_content", True),
            request_method=method,
        )

    def answer(self, name: str, request: Request) -> Answer:
        """What a vendor answers."""
        with self._locks[name]:
            answer = self.stand_ins[name].answer(request)
            self.answers[name, answer.status] += 1
            self.calls[name, request.operation] += 1
            self.called(name)
        return answer

    @contextlib.contextmanager
    def reachable(self) -> Iterator[None]:
        """Inside, every HTTP client of this process that is built on urllib3 reaches them."""
        elsewhere = urllib3.HTTPConnectionPool.urlopen

        def urlopen(
            pool: urllib3.HTTPConnectionPool,
            method: str,
            url: str,
            body: Any = None,
            headers: Any = None,
            **more: Any,
        ) -> Any:
            if not pool.host.endswith(".simulation"):
                return elsewhere(pool, method, url, body=body, headers=headers, **more)
            return self.urlopen(pool, method, url, body=body, headers=headers, **more)

        urllib3.HTTPConnectionPool.urlopen = urlopen  # type: ignore[assignment, method-assign]  # while it lasts
        try:
            yield
        finally:
            urllib3.HTTPConnectionPool.urlopen = elsewhere  # type: ignore[method-assign]  # as above
