"""Reads policies/*.yaml into pydantic models; every complaint names the file, the line and the field."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

FOLDER = Path(__file__).resolve().parent.parent / "policies"

M = TypeVar("M", bound=BaseModel)


class PolicyFileError(ValueError):
    """A policy file cannot be used. Each line of the message starts with `file:line:`."""


def load(path: Path, model: type[M]) -> M:
    """The file's content as `model`. Raises PolicyFileError, also for a file that is not there."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyFileError(f"{path}:1: cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyFileError(f"{path}:{line}: {error.problem}") from error
    try:
        return model.model_validate(value)
    except ValidationError as error:
        complaints = [
            f"{path}:{_line(node, each['loc'])}: {'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}"
            for each in error.errors(include_url=False)
        ]
        raise PolicyFileError("\n".join(complaints)) from error


def _line(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `location` that the file has."""
    line = 1
    for step in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        else:
            break
    return line
