"""A function's environment: the physical names of what its catalog entry lists, and nothing else."""

from aws_cdk import Stack

from infra import catalog
from infra.aws.data import Data
from infra.aws.permissions import live_workflow_arn
from infra.aws.stages import Stage
from usher.settings import variable


def environment(stack: Stack, stage: Stage, data: Data, entry: catalog.Function) -> dict[str, str]:
    """Variable name to value. No secret is among them, only where each one is."""
    found = {
        "USHER_STAGE": stage.name,
        "POWERTOOLS_SERVICE_NAME": entry.room,
        "POWERTOOLS_METRICS_NAMESPACE": "Usher",
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    found |= {variable("tables", name): data.tables[name].table_name for name, _ in entry.tables}
    found |= {variable("queues", name): data.queues[name].queue_url for name in entry.sends_to}
    found |= {variable("workflows", name): live_workflow_arn(stack, stage, name) for name in entry.starts}
    found |= {variable("secrets", name): data.secrets[name].secret_arn for name in entry.secrets}
    if entry.publishes:
        found["USHER_BUS"] = data.bus.event_bus_name
    return found
