"""The command of a workflow's step, read from what the workflow sent."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from usher.domain.errors import PermanentError

C = TypeVar("C", bound=BaseModel)


def parsed(command_type: type[C], event: dict[str, Any], step: str) -> C:
    """Raises PermanentError that names the fields at fault, never their values: no retry mends them."""
    try:
        return command_type.model_validate(event)
    except ValidationError as error:
        fields = [".".join(map(str, entry["loc"])) for entry in error.errors(include_input=False)]
        raise PermanentError(f"{step}: InvalidCommand: look at {', '.join(fields)}") from error
