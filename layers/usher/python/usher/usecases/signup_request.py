"""The body of POST /webhooks/signup: its fields, and the words for what is wrong with them."""

import re
from importlib import import_module
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from usher.domain import times
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, invalid

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
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
    library = import_module("email_validator")
    try:
        return str(library.validate_email(value, check_deliverability=False).normalized)
    except library.EmailNotValidError as error:
        raise ValueError("is not a valid e-mail address") from error


def _phone(value: str) -> str:
    library = import_module("phonenumbers")
    try:
        parsed = library.parse(value, None)
    except library.NumberParseException as error:
        raise ValueError("is not a phone number in international form, such as +14155550123") from error
    if not library.is_possible_number(parsed):
        raise ValueError("is not a possible phone number")
    return str(library.format_number(parsed, library.PhoneNumberFormat.E164))


def _moment(value: str) -> str:
    try:
        parsed = times.moment(value)
    except ValueError as error:
        raise ValueError("is not an RFC 3339 date-time") from error
    if parsed.tzinfo is None:
        raise ValueError("is an RFC 3339 date-time without its offset")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:|@/-]{1,255}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CompanyBody(_Body):
    name: Text
    domain: (
        Annotated[
            str,
            StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"),
        ]
        | None
    ) = None
    size: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


class ConsentBody(_Body):
    marketing: bool = False


class SignupBody(_Body):
    email: Annotated[str, StringConstraints(max_length=320), AfterValidator(_email)]
    name: Text
    phone: Annotated[str, StringConstraints(max_length=32), AfterValidator(_phone)] | None = None
    company: CompanyBody | None = None
    plan: Annotated[str, StringConstraints(max_length=64)]
    payment_method: Token | None = None
    payment: Literal["card", "bank", "invoice"] = "card"
    trial: bool | None = None
    invitation_key: Token | None = None
    referral_source: Text | None = None
    external_id: Token | None = None
    sso_subject: Token | None = None
    locale: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    consent: ConsentBody | None = None


class SignupEvent(_Body):
    type: Literal["signup.completed"]
    timestamp: Annotated[str, StringConstraints(max_length=64), AfterValidator(_moment)]
    data: SignupBody


def parse_signup(value: Any, plans: PlanCatalog) -> SignupEvent:
    """The validated event. Raises Problem 400 that names every bad field, never its value."""
    try:
        event = SignupEvent.model_validate(value)
    except ValidationError as error:
        raise invalid(tuple(_field_error(entry) for entry in error.errors(include_input=False))) from error
    plan = plans.plans.get(event.data.plan)
    if plan is None:
        known = ", ".join(sorted(plans.plans))
        raise invalid((FieldError("data.plan", f"is not a plan; the plans are {known}"),))
    if event.data.trial and not plan.trial_days:
        raise invalid((FieldError("data.trial", f"cannot be true: plan {event.data.plan} has no trial"),))
    return event


def _field_error(entry: Any) -> FieldError:
    path = ".".join(str(part) for part in entry["loc"]) or "body"
    kind = entry["type"]
    if kind == "extra_forbidden":
        path = ".".join(str(part)[:64] for part in entry["loc"])
        return FieldError(path.encode("ascii", "replace").decode(), "is not a field of this request")
    if kind == "missing":
        return FieldError(path, "is required")
    message = entry["msg"].removeprefix("Value error, ")
    return FieldError(path, message[0].lower() + message[1:])
