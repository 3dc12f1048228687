"""The resolver of the operator API: powertools' HTTP API resolver that answers problems as RFC 9457 says."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from usher.bootstrap.observe import logger
from usher.bootstrap.web import UNAVAILABLE, refusal
from usher.domain.errors import RetryableError
from usher.domain.problems import Problem


def resolver() -> APIGatewayHttpResolver:
    """A resolver whose routes may raise Problem."""
    app = APIGatewayHttpResolver(serializer=lambda value: json.dumps(value, separators=(",", ":")))

    @app.exception_handler(Problem)  # type: ignore[untyped-decorator]  # powertools types it as Callable[..., Any]
    def answer_problem(problem: Problem) -> Response[str]:
        return _response(problem)

    @app.exception_handler(RetryableError)  # type: ignore[untyped-decorator]  # as above
    def answer_unavailable(error: RetryableError) -> Response[str]:
        logger.error("request failed", function="api", error=type(error).__name__)
        return _response(UNAVAILABLE, {"retry-after": "1"})

    @app.not_found
    def answer_not_found(error: Exception) -> Response[str]:
        return _response(Problem(404, "Not found", "There is nothing at this address"))

    def _response(problem: Problem, headers: dict[str, str] | None = None) -> Response[str]:
        answer: dict[str, Any] = refusal(problem, app.current_event.request_context.request_id)
        return Response(
            status_code=answer["statusCode"],
            content_type=answer["headers"]["content-type"],
            body=answer["body"],
            headers=dict(headers or {}),
        )

    return app
