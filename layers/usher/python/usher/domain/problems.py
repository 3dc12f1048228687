"""Problems: answers of an HTTP route that say what is wrong (RFC 9457)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from usher.domain.errors import UsherError


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field: where it is (dotted path) and what is wrong with it. Never the value itself."""

    field: str
    message: str


class Problem(UsherError):
    """Raised by a use case; the `http` wrapper answers it as application/problem+json.

    `headers` go with the answer, by their lower-case names; `more` are further members of the problem.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.more = dict(more or {})


def unauthorized(detail: str) -> Problem:
    return Problem(401, "Signature not accepted", detail)


def malformed(detail: str, *field: str) -> Problem:
    """A 400 about something that has no fields to name yet: the body, unless another is named."""
    named = tuple(FieldError(name, detail[0].lower() + detail[1:]) for name in field or ("body",))
    return Problem(400, "Malformed request", detail, named)


MAX_NAMED = 50  # enough for any honest request; a hostile one gets no answer larger than itself


def invalid(errors: tuple[FieldError, ...]) -> Problem:
    """A 400 that names the bad fields, the first fifty of them."""
    named = errors[:MAX_NAMED]
    more = f", and {len(errors) - MAX_NAMED} more" if len(errors) > MAX_NAMED else ""
    names = ", ".join(error.field for error in named)
    return Problem(400, "Invalid request", f"These fields need attention: {names}{more}", named)


def bad_fields(complaints: Iterable[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """What a model complains of (pydantic's `errors(include_input=False)`) in our words, never the values.

    A complaint about several fields at once (`OfFields`) names each of them.
    """
    return tuple(error for complaint in complaints for error in _bad_fields(complaint))


class OfFields(ValueError):
    """Raised by a model that looks at several of its fields at once: which ones do not go together."""

    def __init__(self, message: str, *fields: str) -> None:
        super().__init__(message)
        self.fields = fields


def _bad_fields(complaint: Mapping[str, Any]) -> Iterable[FieldError]:
    cause = complaint.get("ctx", {}).get("error")
    if not isinstance(cause, OfFields):
        return (_bad_field(complaint),)
    return (_bad_field({**complaint, "loc": (*complaint["loc"], field)}) for field in cause.fields)


_DAY, _ADDRESS = "a day, such as 2026-11-30", "an address that begins with https://"
_FORMS = {  # what a pattern stands for, by its field: nobody reads a regular expression to mend a form
    **dict.fromkeys(("day", "ends_on", "from", "to"), _DAY),
    **dict.fromkeys(("cancel_url", "return_url"), _ADDRESS),
    "currency": "three small letters, such as usd",
    "domain": "a domain, such as example.com",
    "locale": "a language tag, such as en-GB",
    "order": "oldest or newest",
    "promo": "letters and digits, at most 40",
}


def _bad_field(complaint: Mapping[str, Any]) -> FieldError:
    path = ".".join(str(part) for part in complaint["loc"]) or "body"
    if complaint["type"] == "extra_forbidden":
        path = ".".join(str(part)[:64] for part in complaint["loc"])
        return FieldError(path.encode("ascii", "replace").decode(), "is not a field of this request")
    if complaint["type"] == "missing":
        return FieldError(path, "is required")
    if complaint["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return FieldError(path, "must be an object")
    if complaint["type"] == "string_pattern_mismatch" and (form := _FORMS.get(path.rpartition(".")[2])):
        return FieldError(path, f"must be {form}")
    message = complaint["msg"].removeprefix("Value error, ")
    return FieldError(path, message[0].lower() + message[1:])
