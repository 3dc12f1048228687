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
_OPTIONS: dict[catalog.Option, str] = {
    "cognito_issuer": "The user pool of the operators, https://cognito-idp.REGION.amazonaws.com/POOL_ID",
    "cognito_client_ids": "The app clients of that pool whose tokens are taken, separated by commas",
    "beta_phase": "true while the product is by invitation only, false once it is not; empty asks the policy",
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
    found |= {TEXTS[option]: _offered(stack, option) for option in entry.options}
    if entry.files:
        found["USHER_BUCKET"] = data.bucket.bucket_name
    if entry.publishes:
        found["USHER_BUS"] = data.bus.event_bus_name
    return found


def _asked_for(stack: Stack, address: catalog.Address) -> str:
    """A parameter of the stack without a default: nothing is deployed that would call a made-up address."""
    return _parameter(
        stack,
        address,
        description=_ADDRESSES[address],
        allowed_pattern="https://[^/]+(/.*[^/])?",
        constraint_description="must be an https address without a slash at its end",
    )


def _offered(stack: Stack, option: catalog.Option) -> str:
    """A parameter of the stack that may stay empty."""
    return _parameter(stack, option, description=_OPTIONS[option], default="")


def _parameter(stack: Stack, setting: str, **properties: str) -> str:
    name = "".join(part.capitalize() for part in setting.split("_"))
    found = stack.node.try_find_child(name)
    if not isinstance(found, CfnParameter):
        found = CfnParameter(stack, name, **properties)
    return found.value_as_string
