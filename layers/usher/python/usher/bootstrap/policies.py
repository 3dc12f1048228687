"""The policies in force and who may call which route: JSON, rendered before deployment and read once.

On Lambda the layer carries them; on one machine they are installed from policies/*.yaml at start.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from usher.domain.access import RouteAccess, access_list
from usher.domain.access_policy import AccessPolicy
from usher.domain.admission import Limits
from usher.domain.change_policy import ChangePolicy
from usher.domain.money_policy import MoneyPolicy
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.domain.usage import UsagePolicy
from usher.settings import settings

FOLDER = Path("/opt/policies")  # where Lambda unpacks the layer

_installed: dict[str, Any] = {}


def install(policies: dict[str, Any]) -> None:
    """Use these values (policy name -> content of its file) instead of the layer's files."""
    _installed.clear()
    _installed.update(policies)
    plans.cache_clear()
    _onboarding_file.cache_clear()
    limits.cache_clear()
    access.cache_clear()
    money.cache_clear()
    usage.cache_clear()
    changes.cache_clear()
    reconciliation.cache_clear()
    routes.cache_clear()


def _content(name: str) -> Any:
    if name in _installed:
        return _installed[name]
    return json.loads((FOLDER / f"{name}.json").read_text())


@cache
def plans() -> PlanCatalog:
    """policies/plans.yaml."""
    return PlanCatalog.model_validate(_content("plans"))


@cache
def _onboarding_file() -> OnboardingPolicy:
    return OnboardingPolicy.model_validate(_content("onboarding"))


def onboarding() -> OnboardingPolicy:
    """policies/onboarding.yaml; what the environment says of the beta phase goes before it."""
    says = settings().beta_phase_active
    return _onboarding_file() if says is None else _onboarding_file().model_copy(update={"beta_phase": says})


@cache
def routes() -> dict[str, RouteAccess]:
    """`METHOD /path` of every route of infra/catalog.py, and who may use it."""
    return access_list(_content("routes"))


@cache
def money() -> MoneyPolicy:
    """policies/money.yaml."""
    return MoneyPolicy.model_validate(_content("money"))


@cache
def limits() -> Limits:
    """policies/limits.yaml."""
    return Limits.model_validate(_content("limits"))


@cache
def usage() -> UsagePolicy:
    """policies/usage.yaml."""
    return UsagePolicy.model_validate(_content("usage"))


@cache
def access() -> AccessPolicy:
    """policies/entitlements.yaml."""
    return AccessPolicy.model_validate(_content("entitlements"))


@cache
def changes() -> ChangePolicy:
    """policies/changes.yaml."""
    return ChangePolicy.model_validate(_content("changes"))


@cache
def reconciliation() -> ReconciliationPolicy:
    """policies/reconciliation.yaml."""
    return ReconciliationPolicy.model_validate(_content("reconciliation"))
