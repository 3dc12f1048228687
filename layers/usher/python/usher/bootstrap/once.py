"""`Idempotency-Key`: a request that is sent again is answered as before, and nothing is done twice."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from pydantic import BaseModel

from usher.bootstrap.idempotency import persistence
from usher.bootstrap.platform import per_platform
from usher.domain.access import Caller
from usher.domain.errors import StoreUnavailable
from usher.domain.problems import FieldError, Problem, invalid
from usher.ports.http import Answer

KEEP_SECONDS = 24 * 3600
HEADER = "idempotency-key"


class Sent(Protocol):
    """What makes two requests the same one."""

    @property
    def caller(self) -> Caller: ...
    @property
    def parameters(self) -> Mapping[str, str]: ...
    @property
    def input(self) -> BaseModel: ...


class Once:
    """Does the work of one route (`METHOD /path`) once for each key of a caller, for a day."""

    def __init__(self, route: str) -> None:
        self._config = IdempotencyConfig(
            event_key_jmespath="[caller, key]",
            payload_validation_jmespath="[parameters, input]",
            expires_after_seconds=KEEP_SECONDS,
            hash_function="sha256",
        )
        self._doer = per_platform(
            lambda _: idempotent_function(
                _do,
                data_keyword_argument="sent",
                config=self._config,
                persistence_store=persistence(),
                key_prefix=route,
            )
        )

    def do(self, work: Callable[[], Answer], sent: Sent, headers: Mapping[str, str], context: Any) -> Answer:
        """The answer of `work`, the former one when this was sent before; without a key simply done.

        What `work` raises is not kept, so that the request may be sent again. Raises Problem 409 for a key
        that was used with something else or is still at work, 400 for one that is none.
        """
        key = headers.get(HEADER)
        if key is None:
            return work()
        if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
            raise invalid((FieldError("Idempotency-Key", "is 1 to 255 printable characters"),))
        self._config.register_lambda_context(context)
        what = {
            "key": key,
            "caller": sent.caller.subject,
            "parameters": dict(sent.parameters),
            "input": sent.input.model_dump(mode="json"),
        }
        try:
            kept = self._doer()(sent=what, work=work)
        except IdempotencyValidationError as error:
            raise Problem(409, "Conflict", "This Idempotency-Key was used with another request") from error
        except IdempotencyAlreadyInProgressError as error:
            detail = "The request with this Idempotency-Key is still at work"
            raise Problem(409, "Conflict", detail, headers={"retry-after": "1"}) from error
        except (IdempotencyPersistenceLayerError, IdempotencyInconsistentStateError) as error:
            raise StoreUnavailable("the idempotency records cannot be reached") from error
        return Answer(kept["status"], kept["body"], kept["headers"], kept["content_type"])


def _do(*, sent: dict[str, Any], work: Callable[[], Answer]) -> dict[str, Any]:
    answer = work()
    return {
        "status": answer.status,
        "body": answer.body if isinstance(answer.body, str) else dict(answer.body),
        "headers": dict(answer.headers),
        "content_type": answer.content_type,
    }
