"""Problems: answers of an HTTP route that say what is wrong (RFC 9457)."""

from dataclasses import dataclass

from usher.domain.errors import UsherError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: where it is (dotted path) and what is wrong with it. Never the value itself."""

    field: str
    message: str


class Problem(UsherError):
    """Raised by a use case; the `http` wrapper answers it as application/problem+json."""

    def __init__(self, status: int, title: str, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors


def unauthorized(detail: str) -> Problem:
    return Problem(401, "Signature not accepted", detail)


def malformed(detail: str, errors: tuple[FieldError, ...] = ()) -> Problem:
    return Problem(400, "Malformed request", detail, errors)


def invalid(errors: tuple[FieldError, ...]) -> Problem:
    names = ", ".join(error.field for error in errors)
    return Problem(400, "Invalid request", f"These fields need attention: {names}", errors)
