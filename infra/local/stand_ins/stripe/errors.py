"""Stripe's error answers."""

from typing import Any

from infra.local.stand_ins.http import Answer
from infra.local.stand_ins.stand_in import Refusal


def error_answer(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    **more: Any,
) -> Answer:
    """An error body as Stripe shapes it; fields that are None are left out."""
    fields = {"type": type, "message": message, "code": code, "param": param, **more}
    return Answer.of({"error": {name: value for name, value in fields.items() if value is not None}}, status)


class StripeError(Refusal):
    """Raised by a handler: the call has no effect and this is its answer."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(error_answer(status, message, **more))


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> StripeError:
    """A 400: the request makes no sense."""
    return StripeError(400, message, code=code, param=param)


def missing(kind: str, id: str, *, param: str = "id", status: int = 404) -> StripeError:
    """There is no such object: 404 when the path names it, 400 when a parameter does."""
    name = kind.rpartition(".")[2]
    label = "PaymentMethod" if name == "payment_method" else name
    return StripeError(status, f"No such {label}: '{id}'", code="resource_missing", param=param)
