"""Settings: what the environment says, read once, lazily and typed. The only reader of os.environ."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

_STRIPE = "https://api.stripe.com"


class MissingSetting(RuntimeError):
    """The environment lacks a value this function needs."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. Secrets are not here: they come from the Secrets port.

    The maps go from catalog name to physical name: table name, queue URL, state-machine alias ARN,
    secret ARN. A function's environment holds exactly the ones the catalog lets it use.
    """

    stage: str = "local"
    region: str = "us-east-1"
    bus: str = "usher"
    bucket: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, str] = field(default_factory=dict)
    workflows: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    stripe_api_base: str = _STRIPE
    hubspot_api_base: str = "https://api.hubapi.com"
    postmark_api_base: str = "https://api.postmarkapp.com"
    product_api_base: str = ""
    slack_api_base: str = "https://hooks.slack.com"
    public_url: str = ""
    cognito_issuer: str = ""
    cognito_client_ids: str = ""
    beta_phase: str = ""  # BETA_PHASE_ACTIVE as it is written; empty leaves it to policies/onboarding.yaml
    vendor_timeout_seconds: float = 10.0
    mail_index_lag_seconds: float = 10.0
    time_scale: float = 1.0  # business seconds in a second; on one machine it may be another

    @property
    def beta_phase_active(self) -> bool | None:
        """Whether the product is in its beta phase; None: the environment does not say. Raises ValueError."""
        return _said("BETA_PHASE_ACTIVE", self.beta_phase)


_MAPS = {
    "tables": "USHER_TABLE_",
    "queues": "USHER_QUEUE_",
    "workflows": "USHER_WORKFLOW_",
    "secrets": "USHER_SECRET_",
}
TEXTS = {
    "stage": "USHER_STAGE",
    "region": "AWS_REGION",
    "bus": "USHER_BUS",
    "bucket": "USHER_BUCKET",
    "stripe_api_base": "STRIPE_API_BASE",
    "hubspot_api_base": "HUBSPOT_API_BASE",
    "postmark_api_base": "POSTMARK_API_BASE",
    "product_api_base": "PRODUCT_API_BASE",
    "slack_api_base": "SLACK_API_BASE",
    "public_url": "USHER_URL",
    "cognito_issuer": "COGNITO_ISSUER",
    "cognito_client_ids": "COGNITO_CLIENT_IDS",
    "beta_phase": "BETA_PHASE_ACTIVE",
}


def variable(kind: str, name: str) -> str:
    """The variable that holds a physical name: ("queues", "stripe-events") is USHER_QUEUE_STRIPE_EVENTS."""
    return _MAPS[kind] + name.upper().replace("-", "_")


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from any mapping of environment variables.

    Catalog names come back in lower case with dashes folded to underscores: use `physical` to look up.
    """
    maps = {
        kind: {
            key[len(prefix) :].lower(): value for key, value in environment.items() if key.startswith(prefix)
        }
        for kind, prefix in _MAPS.items()
    }
    texts = {name: environment[key] for name, key in TEXTS.items() if environment.get(key)}
    return Settings(**maps, **texts)  # type: ignore[arg-type]  # TEXTS names fields that are texts


_YES, _NO = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


def _said(name: str, text: str) -> bool | None:
    word = text.strip().casefold()
    if word in _YES | _NO:
        return word in _YES
    if word:
        raise ValueError(f"{name} is {text!r}; write true or false, or leave it out")
    return None


def beta_phase(environment: Mapping[str, str] | None = None) -> str:
    """BETA_PHASE_ACTIVE as this process's environment has it, checked, for a deployment on this machine.

    Raises ValueError when it is neither true nor false.
    """
    text = (os.environ if environment is None else environment).get(TEXTS["beta_phase"], "")
    _said(TEXTS["beta_phase"], text)
    return text


def physical(settings: Settings, kind: str, name: str) -> str:
    """The physical name of a table, queue, workflow or secret of the catalog. Raises MissingSetting."""
    found: str | None = getattr(settings, kind).get(name.lower().replace("-", "_"))
    if found is None:
        raise MissingSetting(
            f"{variable(kind, name)} is not set: list {name!r} for this function in infra/catalog.py"
        )
    return found


_ACCOUNT = re.compile(r"[a-z][a-z0-9_]{0,31}")


def stripe_account(name: str, environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """The API base and key of a named account of Stripe, for commands that look at several of them.

    `prod` is STRIPE_PROD_API_KEY, and STRIPE_PROD_API_BASE where that is not Stripe's own. Raises
    MissingSetting.
    """
    if not _ACCOUNT.fullmatch(name):
        raise MissingSetting(f"{name!r} names no account: use a-z, 0-9 and _, such as prod")
    found, prefix = os.environ if environment is None else environment, f"STRIPE_{name.upper()}_API_"
    if not (key := found.get(f"{prefix}KEY")):
        raise MissingSetting(f"{prefix}KEY is not set: it is the key of the Stripe account {name}")
    return found.get(f"{prefix}BASE") or _STRIPE, key


_installed: Settings | None = None


def install(settings: Settings) -> None:
    """Run this process on these settings instead of the environment's (one machine, tests)."""
    global _installed
    _installed = settings


@cache
def _from_environment() -> Settings:
    return read(os.environ)


def settings() -> Settings:
    """The settings of this process."""
    return _installed or _from_environment()
