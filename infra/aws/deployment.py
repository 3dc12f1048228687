"""The whole of Usher on AWS: the stacks of one stage, in the order of their lifetimes."""

from dataclasses import dataclass

import cdk_nag
from aws_cdk import App, Tags, Validations

from infra import catalog, policy_files
from infra.aws.data import Data
from infra.aws.edge import Edge
from infra.aws.function import Function
from infra.aws.room import Room
from infra.aws.stages import Stage, stage_named
from infra.aws.watch import Watch
from infra.aws.workflows import Workflows


@dataclass(frozen=True, slots=True)
class Deployment:
    """The stacks of one stage."""

    stage: Stage
    data: Data
    rooms: dict[str, Room]
    workflows: Workflows
    edge: Edge
    watch: Watch


def deploy(app: App) -> Deployment:
    """Add every stack of the stage that the context names (`-c stage=prod`, else dev).

    Raises UnknownStage, PolicyFileError and StateMachineFileError, which name what to mend. Asks AWS
    nothing: account and region are those of whoever deploys.
    """
    stage = stage_named(app.node.try_get_context("stage") or "dev")
    policy_files.load_all()
    bundle = str(app.node.try_get_context("bundle")).lower() == "true"
    protected = stage.name == "prod"
    data = Data(app, f"{stage.prefix}-data", stage=stage, termination_protection=protected)
    rooms = {
        room: Room(app, f"{stage.prefix}-{room}", room=room, stage=stage, data=data, bundle=bundle)
        for room in dict.fromkeys(entry.room for entry in catalog.FUNCTIONS)
    }
    functions: dict[str, Function] = {}
    for room in rooms.values():
        functions |= room.functions
    versions = {function.entry.step: function.version for function in functions.values()}
    workflows = Workflows(
        app, f"{stage.prefix}-workflows", stage=stage, functions=versions, queues=data.queues
    )
    for room in rooms.values():
        workflows.add_stack_dependency(room, "new versions first, then the workflows that are bound to them")
    edge = Edge(app, f"{stage.prefix}-edge", stage=stage, functions=functions)
    watch = Watch(app, f"{stage.prefix}-watch", stage=stage, data=data, api_id=edge.api.api_id)
    Tags.of(app).add("project", "usher")
    Tags.of(app).add("stage", stage.name)
    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    return Deployment(stage, data, rooms, workflows, edge, watch)
