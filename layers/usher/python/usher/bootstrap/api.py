"""The resolver of the operator API: powertools' HTTP API resolver that answers problems as RFC 9457 says."""

import json
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from usher.bootstrap.web import refusal
from usher.domain.problems import Problem


def resolver() -> APIGatewayHttpResolver:
    """A resolver whose routes may raise Problem."""
    app = APIGatewayHttpResolver(serializer=lambda value: json.dumps(value, separators=(",", ":")))

    @app.exception_handler(Problem)  # type: ignore[untyped-decorator]  # powertools types it as Callable[..., Any]
    def answer_problem(problem: Problem) -> Response[str]:
        return _response(problem)

    @app.not_found
    def answer_not_found(error: Exception) -> Response[str]:
        return _response(Problem(404, "Not found", "There is nothing at this address"))

    def _response(problem: Problem) -> Response[str]:
        answer: dict[str, Any] = refusal(problem, app.current_event.request_context.request_id)
        return Response(
            status_code=answer["statusCode"],
            content_type=answer["headers"]["content-type"],
            body=answer["body"],
        )

    return app
