"""What requests are made of: bodies and query strings that name every bad field, and kinds of fields (F4)."""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from usher.domain import strict_json
from usher.domain.problems import Problem, bad_fields, invalid

M = TypeVar("M", bound=BaseModel)

MAX_BODY = 256 * 1024
MAX_PAGE = 100
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_SEPARATORS = {ord(each): None for each in "-."}
_ASCII_ADDRESS = re.compile(
    r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


def _printable(value: str) -> str:
    if _UNPRINTABLE.search(value):
        raise ValueError("must not hold control characters or line breaks")
    if not value.strip():
        raise ValueError("must not be blank")
    return value.strip()


# Both libraries are imported at their first use: most sign-ups bring a plain address and no phone, and intake
# answers the sooner after a cold start for every module it does not load (docs/benchmarks.md).


def _email(value: str) -> str:
    if _ASCII_ADDRESS.fullmatch(value) and len(value) <= 254 and value.index("@") <= 64 and "--" not in value:
        return value  # plain addresses, nearly all of them, need no library to be told valid
    import email_validator  # noqa: PLC0415 - see above

    try:
        found = email_validator.validate_email(value, check_deliverability=False, strict=True)
    except email_validator.EmailNotValidError as error:
        raise ValueError("is not a valid e-mail address") from error
    return found.ascii_email or found.normalized  # a domain outside ASCII as the mail vendor takes it


def _phone(value: str) -> str:
    import phonenumbers  # noqa: PLC0415 - see above

    try:
        parsed = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("is not a phone number in international form, such as +14155550123") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("is not a possible phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Email = Annotated[str, StringConstraints(max_length=320), AfterValidator(_email)]
Phone = Annotated[str, StringConstraints(max_length=32), AfterValidator(_phone)]
"""In international form; it comes out as E.164."""
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:|@/-]{1,255}$")]


def _no_card_number(value: str) -> str:
    digits = value.translate(_SEPARATORS)
    if digits.isdecimal() and 12 <= len(digits) <= 19:
        raise ValueError("is the number of a card or an account; send the id that Stripe gave for it")
    return value


PaymentMethod = Annotated[Token, AfterValidator(_no_card_number)]
"""Stripe's id of one, never what is printed on it: what is stored, is stored as it came."""


class Body(BaseModel):
    """Base of what a request says: other fields than its own are refused, and no value is bent into shape."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid", strict=True, frozen=True)


class Nothing(Body):
    """Of a route that takes no input."""


class Paged(Body):
    """Of a route that lists: at most `limit` items from `cursor` on; who asks for more than 100 gets 100."""

    limit: Annotated[int, Field(ge=1), AfterValidator(lambda limit: min(limit, MAX_PAGE))] = 25
    cursor: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None = None


def body_of(raw: bytes, model: type[M], *, content_type: str, most: int = MAX_BODY) -> M:
    """The body as `model`; none counts as `{}`. Raises Problem 400 that names every bad field, 413 or 415."""
    if len(raw) > most:
        raise Problem(413, "Body too large", f"A request is at most {most // 1024} KB")
    if raw and content_type.partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "Unsupported media type", "Send the body as Content-Type: application/json")
    try:
        return model.model_validate(strict_json.parse(raw) if raw else {})
    except ValidationError as error:
        raise invalid(bad_fields(error.errors(include_input=False))) from error


def query_of(parameters: Mapping[str, str], model: type[M]) -> M:
    """The query string as `model`. Raises Problem 400 that names every bad parameter."""
    try:
        return model.model_validate_strings(dict(parameters))
    except ValidationError as error:
        raise invalid(bad_fields(error.errors(include_input=False))) from error
