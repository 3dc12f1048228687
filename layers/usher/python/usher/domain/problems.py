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


MAX_NAMED = 50  # enough for any honest request; a hostile one gets no answer larger than itself


def invalid(errors: tuple[FieldError, ...]) -> Problem:
    """A 400 that names the bad fields, the first fifty of them."""
    named = errors[:MAX_NAMED]
    more = f", and {len(errors) - MAX_NAMED} more" if len(errors) > MAX_NAMED else ""
    names = ", ".join(error.field for error in named)
    return Problem(400, "Invalid request", f"These fields need attention: {names}{more}", named)
