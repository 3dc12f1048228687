"""HubSpot's contract, read out of the installed SDK's generated source without importing it.

Each API class says for every operation its path, the model of its body and the model per status; each model
says the type of every field, which are required and which values an enumeration has.
"""

import importlib.util
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.stand_ins.contract import syntax

PACKAGES = ("crm/objects", "crm/associations/v4", "crm/properties", "crm/schemas")
_CALL = re.compile(r'call_api\(\s*"(?P<path>[^"]+)",\s*"(?P<verb>\w+)"')
_BODY = re.compile(r":type \w+: ([A-Z]\w+)$", re.M)
_ANSWERS = re.compile(r"response_types_map = \{(.*?)\}", re.S)
_LITERAL = r"^    {} = (\{{.*?\}})$"
_REQUIRED = re.compile(r"^        self\.(\w+) = \1$", re.M)
_ALLOWED = re.compile(r"def (\w+)\(self, \1\):(?:(?!\n    def ).)*?allowed_values = (\[.*?\])", re.S)


class ContractBreach(Exception):
    """A value breaks the contract; the message names the place and never the value."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: the folder of its API, the model of its body, the models of its answers by status."""

    package: Path
    body: str | None
    answers: dict[int, str]


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `types` is by JSON name."""

    types: dict[str, str]
    required: frozenset[str]
    allowed: dict[str, list[str]] = field(default_factory=dict)


@cache
def operations() -> dict[str, Operation]:
    """Every operation of the packages, by `"POST /crm/v3/…/{objectType}/…"`."""
    spec = importlib.util.find_spec("hubspot")
    if spec is None or spec.origin is None:
        raise LookupError("hubspot-api-client is not installed: its source is the stand-in's contract")
    found: dict[str, Operation] = {}
    for name in PACKAGES:
        package = Path(spec.origin).parent / name
        for path in sorted((package / "api").glob("*_api.py")):
            for part in path.read_text(encoding="utf-8").split("_with_http_info(self")[1:]:
                call = _CALL.search(part)
                if call is None:
                    continue
                head = part[: call.start()]
                body, answers = _BODY.search(head), _ANSWERS.search(head)
                models = syntax.literal("{" + answers[1] + "}") if answers else {}
                found[f"{call['verb']} {call['path']}"] = Operation(package, body and body[1], models)
    return found


def check_body(operation: str, value: Any) -> None:
    """Raise ContractBreach when a request's body is not what the SDK would send."""
    known = operations()[operation]
    if known.body:
        _check(known.package, known.body, value, "body")


def check_answer(operation: str, status: int, value: Any) -> None:
    """Raise ContractBreach when the SDK could not read this answer."""
    known = operations()[operation]
    model = known.answers.get(status)
    if model:
        _check(known.package, model, value, "answer")


@cache
def _model(package: Path, name: str) -> Model:
    file = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + ".py"
    text = (package / "models" / file).read_text(encoding="utf-8")
    types, names = (_literal(text, attribute) for attribute in ("openapi_types", "attribute_map"))
    return Model(
        types={names[attribute]: type for attribute, type in types.items()},
        required=frozenset(names[name] for name in _REQUIRED.findall(text) if name in names),
        allowed={names[name]: syntax.literal(values) for name, values in _ALLOWED.findall(text)},
    )


def _literal(text: str, attribute: str) -> dict[str, str]:
    found = re.search(_LITERAL.format(attribute), text, re.S | re.M)
    if found is None:
        raise LookupError(f"a model of hubspot-api-client has no {attribute}: the generator has changed")
    value: dict[str, str] = syntax.literal(found[1])
    return value


_PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "datetime": (str,),
    "date": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


def _check(package: Path, type: str, value: Any, at: str) -> None:
    if type == "object":
        return
    if type in _PLAIN:
        if not isinstance(value, _PLAIN[type]) or (isinstance(value, bool) and type != "bool"):
            raise ContractBreach(f"{at} is not of type {type}")
    elif type.startswith("list["):
        if not isinstance(value, list):
            raise ContractBreach(f"{at} is not a list")
        for number, item in enumerate(value):
            _check(package, type[5:-1], item, f"{at}[{number}]")
    elif type.startswith("dict["):
        if not isinstance(value, dict):
            raise ContractBreach(f"{at} is not an object")
        inner = type[5:-1].partition(", ")[2]
        for name, item in value.items():
            _check(package, inner, item, f"{at}.{name}")
    else:
        _check_model(package, _model(package, type), value, at)


def _check_model(package: Path, model: Model, value: Any, at: str) -> None:
    if not isinstance(value, dict):
        raise ContractBreach(f"{at} is not an object")
    if unknown := value.keys() - model.types.keys():
        raise ContractBreach(f"{at} has unknown fields: {', '.join(sorted(unknown))}")
    if missing := model.required - value.keys():
        raise ContractBreach(f"{at} lacks {', '.join(sorted(missing))}")
    for name, item in value.items():
        if item is None and name not in model.required:
            continue
        if name in model.allowed and item not in model.allowed[name]:
            raise ContractBreach(f"{at}.{name} is not one of {', '.join(model.allowed[name])}")
        _check(package, model.types[name], item, f"{at}.{name}")
