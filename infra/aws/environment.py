"""A function's environment: the physical names of what its catalog entry lists, and nothing else."""

from aws_cdk import CfnParameter, Stack

from infra import catalog
from infra.aws.data import Data
from infra.aws.permissions import live_workflow_arn
from infra.aws.stages import Stage
from usher.settings import TEXTS, variable

_ADDRESSES: dict[catalog.Address, str] = {
    "public_url": "Where this stage answers, as its users see it (the edge stack's Url, or your own domain)",
    "product_api_base": "Where the product's provisioning API answers",
}


def environment(stack: Stack, stage: Stage, data: Data, entry: catalog.Function) -> dict[str, str]:
    """Variable name to value. No secret is among them, only where each one is."""
    found = {
        "USHER_STAGE": stage.name,
        "POWERTOOLS_SERVICE_NAME": entry.room,
        "POWERTOOLS_METRICS_NAMESPACE": "Usher",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    found |= {variable("tables", name): data.tables[name].table_name for name, _ in entry.tables}
    consumed = [queue.name for queue in catalog.QUEUES if queue.consumer == entry.path]
    queues = [*entry.sends_to, *consumed]  # a consumer may hurry what it could not do
    found |= {variable("queues", name): data.queues[name].queue_url for name in queues}
    found |= {variable("workflows", name): live_workflow_arn(stack, stage, name) for name in entry.starts}
    found |= {variable("secrets", name): data.secrets[name].secret_arn for name in entry.secrets}
    found |= {TEXTS[address]: _asked_for(stack, address) for address in entry.addresses}
    if entry.publishes:
        found["USHER_BUS"] = data.bus.event_bus_name
    return found


def _asked_for(stack: Stack, address: catalog.Address) -> str:
    """A parameter of the stack without a default: nothing is deployed that would call a made-up address."""
    name = "".join(part.capitalize() for part in address.split("_"))
    found = stack.node.try_find_child(name)
    if not isinstance(found, CfnParameter):
        found = CfnParameter(
            stack,
            name,
            description=_ADDRESSES[address],
            allowed_pattern="https://[^/]+(/.*[^/])?",
            constraint_description="must be an https address without a slash at its end",
        )
    return found.value_as_string
