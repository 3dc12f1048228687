"""The Stripe stand-in: who may call, what is checked, what is replayed, and which resources answer."""

import asyncio
import base64
import contextlib
from pathlib import Path
from typing import Any

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.contract.checks import ContractBreach
from infra.local.stand_ins.contract.stripe_contract import StripeContract
from infra.local.stand_ins.faults import Fault
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stand_in import Handler, StandIn
from infra.local.stand_ins.state import State
from infra.local.stand_ins.stripe.account import Account, new_id
from infra.local.stand_ins.stripe.deliveries import Deliveries
from infra.local.stand_ins.stripe.errors import StripeError, error_answer
from infra.local.stand_ins.stripe.events import Events
from infra.local.stand_ins.stripe.idempotency import IdempotencyKeys
from infra.local.stand_ins.stripe.resource import Expansion, Route, with_first_lines
from infra.local.stand_ins.stripe.resources import Resources

TOTAL_PER_SECOND, ENDPOINT_PER_SECOND = 100, 25  # docs.stripe.com/rate-limits, live mode
TICK_SECONDS = 0.1


class StripeStandIn(StandIn):
    """Stripe's API at the version that the installed SDK pins.

    Options: `enabled_events` of the configured webhook; `duplicates` and `reordering` (shares of deliveries,
    0 to 1); `retry_seconds` (first pause before a delivery is tried again); `limit_total` and
    `limit_endpoint` (calls per second); `clearing_seconds` (how long a bank debit is `processing`).
    """

    def __init__(self, state: State, config: Config, data_dir: Path | None = None) -> None:
        self.contract = StripeContract(data_dir)
        self.events = Events(state, config, self.contract.api_version)
        self._keys = IdempotencyKeys(state)
        super().__init__(state, config, data_dir)
        self._expansion = Expansion(self.account)
        self.deliveries = Deliveries(state, self.events, config, self.clock.wall)
        self._ticker: asyncio.TimerHandle | None = None

    # -- routes ----------------------------------------------------------------------------------

    def routes(self) -> dict[str, Handler]:
        self.account = account = Account(self.state, self.clock, self.events)
        self._resources = Resources(account, self.config)
        self._routes: dict[str, Route] = {}
        for resource in self._resources.all:
            self._routes |= resource.routes()
        return dict.fromkeys(self._routes, self._run) | self._resources.pages

    def control_routes(self) -> dict[str, Handler]:
        return {
            "POST /_control/complete_authentication": self._complete_authentication,
            "POST /_control/pay": self._resources.customer.pay,
            "GET /_control/deliveries": lambda _: self.deliveries.view(),
            "POST /_control/lose_deliveries": lambda request: self.deliveries.order_losses(request),
            "DELETE /_control/lose_deliveries": lambda _: self.deliveries.end_losses(),
            "POST /_control/clock": self._set_clock,
        } | self._resources.banks.routes()

    def _run(self, request: Request) -> Any:
        params, route = request.params, self._routes[request.operation]
        if unknown := params.keys() - route.honours:
            name = min(unknown)
            raise StripeError(400, f"The stand-in does not implement the parameter {name} here.", param=name)
        value = route.handler(params, *request.path_params.values())
        if isinstance(value, Answer):
            return value
        if paths := params.get("expand"):
            value = self._expansion.apply(value, paths)
        value = with_first_lines(value)
        if self.config.check_contract:
            self.contract.check_answer(request.operation, value)
        return value

    # -- the hooks of a call ---------------------------------------------------------------------

    def answer(self, request: Request) -> Answer:
        self._pass_time()
        self.events.request_id = request_id = "req_" + new_id("customer")[4:]
        key = request.headers.get("idempotency-key")
        self.events.idempotency_key = key
        if host := request.headers.get("host"):
            self.account.base_url = f"http://{host}"
        try:
            answer = super().answer(request)
        finally:
            self.events.request_id = self.events.idempotency_key = None
            self.account.use_live_clock()
        answer.headers = answer.headers | {
            "request-id": request_id,
            "stripe-version": self.contract.api_version,
        }
        if key:
            answer.headers["idempotency-key"] = key.encode("ascii", "replace").decode()
            if answer.delay and answer.fate == "send":
                self._keys.hold(key, self.clock.wall() + answer.delay)
        return answer

    def authenticate(self, request: Request) -> None:
        if request.operation not in self._routes:
            return  # a page for the customer
        given = request.headers.get("authorization", "")
        scheme, _, key = given.partition(" ")
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                key = base64.b64decode(key).decode().partition(":")[0]
        if not key:
            message = "You did not provide an API key: send it in the Authorization header, with Bearer "
            raise StripeError(401, message + "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
        expected = self.config.api_key
        if key != expected if expected else not key.startswith(("sk_", "rk_")):
            raise StripeError(401, f"Invalid API Key provided: {key[:7]}{'*' * 8}{key[-4:]}")
        version = request.headers.get("stripe-version")
        if version and version != self.contract.api_version:
            raise StripeError(
                400,
                f"Invalid Stripe API version: {version}. The stand-in speaks {self.contract.api_version}.",
            )

    def limit(self, request: Request) -> None:
        options = self.config.options
        rules = [
            ("global-rate", options.get("limit_total", TOTAL_PER_SECOND), 1.0),
            (f"endpoint-rate {request.operation}", options.get("limit_endpoint", ENDPOINT_PER_SECOND), 1.0),
        ]
        if refused := self.limits.admit(rules):
            error = StripeError(429, RATE_MESSAGE, code="rate_limit")
            error.answer.headers["stripe-rate-limited-reason"] = refused[0].partition(" ")[0]
            raise error

    def check_request(self, request: Request) -> None:
        if request.operation not in self._routes:
            return
        encoded = (
            request.query_string
            if request.method in ("GET", "DELETE")
            else request.body.decode("utf-8", "replace")
        )
        try:
            request.params = self.contract.parameters(request.operation, encoded)
        except ContractBreach as breach:
            raise StripeError(400, breach.message, code=breach.code, param=breach.param or None) from breach

    def perform(self, request: Request, handler: Handler, fault: Fault | None) -> Answer:
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST" or request.operation not in self._routes:
            return super().perform(request, handler, fault)
        wall = self.clock.wall()
        kept = self._keys.replay(key, request, wall)
        if kept is not None:
            return kept
        try:
            with self.state.savepoint():
                answer = super().perform(request, handler, fault)
        except StripeError as error:
            answer = error.answer
        self._keys.keep(key, request, answer, wall)
        return answer

    def not_found(self, request: Request) -> Answer:
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        return error_answer(
            404, message + " If this is an operation of Stripe, the stand-in does not have it yet."
        )

    def rejected(self, request: Request) -> Answer:
        return error_answer(400, "Invalid request.", code="parameter_invalid")

    def too_many_requests(self, request: Request) -> Answer:
        return error_answer(429, RATE_MESSAGE, code="rate_limit")

    def server_error(self, request: Request) -> Answer:
        return error_answer(500, "An unknown error occurred.", type="api_error")

    # -- what runs beside the calls --------------------------------------------------------------

    def started(self, loop: asyncio.AbstractEventLoop) -> None:
        self.deliveries.start(loop)
        self._tick(loop)

    async def stopping(self) -> None:
        if self._ticker:
            self._ticker.cancel()
        await self.deliveries.stop()
        self.contract.save()

    def answered(self) -> None:
        self.deliveries.wake()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pass_time()
        self.deliveries.wake()
        self._ticker = loop.call_later(TICK_SECONDS, self._tick, loop)

    def _pass_time(self) -> None:
        now = self.clock.now()
        if self.account.timers.next_live() <= now:
            with self.state.transaction():
                self._resources.time.run(now)

    # -- controls --------------------------------------------------------------------------------

    def _set_clock(self, request: Request) -> Any:
        order = request.json()
        self.clock.set(order.get("now"), float(order.get("scale", 1.0)))
        self._pass_time()
        return self.clock.view()

    def _complete_authentication(self, request: Request) -> Any:
        order = request.json()
        with self.state.transaction():
            waiting = order.get("payment_intent") or order.get("setup_intent")
            id = waiting or self._resources.customer.waited_for(order)
            return self._resources.hosted.complete(id, order.get("outcome"))


RATE_MESSAGE = (
    "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
)


def create(state: State, config: Config, data_dir: Path | None = None) -> StripeStandIn:
    """The Stripe stand-in on its state."""
    return StripeStandIn(state, config, data_dir)
