"""Reads policies/*.yaml: checked by the models that use them, every complaint with its file and line.

Usher's functions see JSON only: `render` writes it for the Lambda layer, `load_all` hands it over locally.
With the policies goes who may call which route, as the catalog says (`routes`).
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from infra import catalog
from infra.state_machine_file import StrictLoader
from usher.adapters.hubspot_schema import CrmSchema
from usher.domain.access_policy import AccessPolicy
from usher.domain.admission import Limits
from usher.domain.change_policy import ChangePolicy
from usher.domain.money_policy import MoneyPolicy
from usher.domain.onboarding import OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.domain.reconciliation_policy import ReconciliationPolicy
from usher.domain.usage import UsagePolicy

FOLDER = Path(__file__).resolve().parent.parent / "policies"
TEMPLATES = FOLDER.parent / "templates"
MODELS: Mapping[str, type[BaseModel]] = {
    "plans": PlanCatalog,
    "onboarding": OnboardingPolicy,
    "crm": CrmSchema,
    "limits": Limits,
    "entitlements": AccessPolicy,
    "money": MoneyPolicy,
    "usage": UsagePolicy,
    "changes": ChangePolicy,
    "reconciliation": ReconciliationPolicy,
}


M = TypeVar("M", bound=BaseModel)


class PolicyFileError(ValueError):
    """A policy file cannot be used. The message is one line: `policies/plans.yaml:17: field: complaint`."""


def load(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The content of `<folder>/<name>.yaml` as JSON-like data that its model accepts.

    Raises:
        PolicyFileError: the file is missing, is not YAML, or its model refuses a value.
    """
    return _checked(folder / f"{name}.yaml", MODELS[name])[0]


def read(path: Path, model: type[M]) -> M:
    """Any YAML file as its model. Raises PolicyFileError."""
    return _checked(path, model)[1]


def load_all(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Every policy by name, and `routes`, for `usher.bootstrap.policies.install`. Raises PolicyFileError."""
    for path in sorted(folder.glob("*.yaml")):
        if path.stem not in MODELS:
            known = ", ".join(f"{name}.yaml" for name in MODELS)
            raise PolicyFileError(f"{_shown(path)}:1: is no policy Usher knows; it reads {known}")
    policies = {name: load(name, folder) for name in MODELS}
    _refuse_unknown_names(folder / "onboarding.yaml", PlanCatalog.model_validate(policies["plans"]))
    return policies | {"routes": _routes()}


def _refuse_unknown_names(path: Path, plans: PlanCatalog) -> None:
    """What onboarding.yaml names elsewhere has to be there: plans, and the template of the first mail."""
    policy = read(path, OnboardingPolicy)
    named: list[tuple[tuple[int | str, ...], str]] = [
        (("payment_link", "base_plan"), policy.payment_link.base_plan),
        *(
            (("confirmation", "who", "plans", n), plan)
            for n, plan in enumerate(policy.confirmation.who.plans)
        ),
        *((("review", "who", "plans", n), plan) for n, plan in enumerate(policy.review.who.plans)),
    ]
    complaints = [
        (where, f"is no plan of plans.yaml, which has {', '.join(sorted(plans.plans))}")
        for where, plan in named
        if plan not in plans.plans
    ]
    if not (TEMPLATES / policy.welcome_template / "template.yaml").is_file():
        complaints.append((("welcome_template",), "is no folder of templates/"))
    for where, words in complaints:
        line = _line(_parse(path)[1], where)
        raise PolicyFileError(f"{_shown(path)}:{line}: {'.'.join(map(str, where))}: {words}")


def _routes() -> dict[str, Any]:
    """`METHOD /path` to its access, as `usher.domain.access.access_list` reads it."""
    return {
        route.key: {"access": route.access, "roles": list(route.roles), "why": route.why}
        for route in catalog.ROUTES
    }


def digest(folder: Path = FOLDER) -> str:
    """What `render` would write, as one hash: another one means that the layer must be made anew."""
    return hashlib.sha256(json.dumps(load_all(folder), sort_keys=True).encode()).hexdigest()


def render(target: Path, folder: Path = FOLDER) -> list[Path]:
    """Write each policy as `<target>/<name>.json` and return the files. Raises PolicyFileError."""
    policies = load_all(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in policies.items():
        path = target / f"{name}.json"
        path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        written.append(path)
    return written


def _checked(path: Path, model: type[M]) -> tuple[dict[str, Any], M]:
    content, node = _parse(path)
    try:
        return content, model.model_validate(content)
    except ValidationError as error:
        raise _complaint(path, error, node) from error


def _parse(path: Path) -> tuple[dict[str, Any], yaml.Node]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyFileError(f"{_shown(path)}:1: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyFileError(f"{_shown(path)}:1: is not UTF-8") from error
    loader = None
    try:
        loader = StrictLoader(text)
        node = loader.get_single_node()
        content = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise PolicyFileError(f"{_shown(path)}:{mark.line + 1 if mark else 1}: {error.problem}") from error
    except yaml.YAMLError as error:  # a character that YAML does not allow
        problem = " ".join(str(error).split())
        raise PolicyFileError(f"{_shown(path)}:1: is not YAML: {problem}") from error
    finally:
        if loader is not None:
            loader.dispose()
    if node is None or not isinstance(content, dict):
        raise PolicyFileError(f"{_shown(path)}:1: must be a mapping of settings")
    return content, node


def _complaint(path: Path, error: ValidationError, root: yaml.Node) -> PolicyFileError:
    """The first complaint in the order of the file; how many more there are, when there are."""
    found = sorted(
        (_line(root, entry["loc"]), ".".join(map(str, entry["loc"])), _words(entry))
        for entry in error.errors(include_url=False)
    )
    line, field, words = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return PolicyFileError(f"{_shown(path)}:{line}: {field + ': ' if field else ''}{words}{more}")


def _words(entry: Any) -> str:
    if entry["type"] == "missing":
        return "is required"
    if entry["type"] == "extra_forbidden":
        return "is not a setting Usher knows"
    message = str(entry["msg"]).removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _line(root: yaml.Node, location: tuple[int | str, ...]) -> int:
    """Where the deepest part of `location` that the file holds is written."""
    node, line = root, 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == part]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _shown(path: Path) -> str:
    """The path as a person in the checkout would type it."""
    try:
        return str(path.relative_to(FOLDER.parent))
    except ValueError:
        return str(path)
