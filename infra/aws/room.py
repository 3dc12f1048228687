"""A room on AWS: its functions and what calls them, in a stack of their own."""

from typing import Any

from aws_cdk import CfnRule, CfnRuleAssertion, Fn, Stack
from constructs import Construct

from infra import catalog
from infra.aws.data import Data
from infra.aws.events import call_every, subscribe
from infra.aws.function import Function, Place
from infra.aws.layers import Layers
from infra.aws.shift import Shift
from infra.aws.sources import consume, follow
from infra.aws.stages import Stage


class Room(Stack):
    """The functions of `functions/<room>/`, by their path in `functions`."""

    def __init__(
        self, scope: Construct, name: str, *, room: str, stage: Stage, data: Data, bundle: bool, **props: Any
    ) -> None:
        super().__init__(scope, name, description=f"Usher: the room {room}", **props)
        self._stage = stage
        self._data = data
        place = Place(stage, data, Layers(self, "Layers", bundle=bundle), bundle)
        self.functions = {
            entry.path: Function(self, entry, place) for entry in catalog.FUNCTIONS if entry.room == room
        }
        self._call()
        self._shift()
        if not bundle:
            _refuse_deployment(self)

    def _call(self) -> None:
        for queue in (each for entry in catalog.QUEUES for each in entry.consumed):
            if queue.consumer in self.functions:
                consume(self.functions[queue.consumer], queue, self._data)
        for stream in catalog.STREAMS:
            if stream.consumer in self.functions:
                follow(self.functions[stream.consumer], stream, self._data, self._stage)
        for rule in catalog.RULES:
            if rule.queue is None and rule.consumer in self.functions:
                subscribe(self.functions[rule.consumer], rule, self._data, self._stage)
        for schedule in catalog.SCHEDULES:
            if schedule.consumer in self.functions:
                call_every(self.functions[schedule.consumer], schedule, self._stage)

    def _shift(self) -> None:
        called = {route.function for route in catalog.ROUTES} | {queue.consumer for queue in catalog.QUEUES}
        gradual = [function for path, function in self.functions.items() if path in called]
        if gradual:
            shift = Shift(self, "Shift", stage=self._stage)
            for function in gradual:
                shift.add(function)


def _refuse_deployment(stack: Stack) -> None:
    CfnRule(
        stack,
        "Bundled",
        assertions=[
            CfnRuleAssertion(
                assert_=Fn.condition_equals("sources only", "bundled"),
                assert_description="Synthesized for reading: deploy with -c bundle=true (docs/aws.md)",
            )
        ],
    )
