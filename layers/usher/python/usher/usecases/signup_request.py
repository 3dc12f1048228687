"""The body of POST /webhooks/signup: its fields, and the words for what is wrong with them."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from usher.domain import times
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, invalid

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
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
        return email_validator.validate_email(value, check_deliverability=False).normalized
    except email_validator.EmailNotValidError as error:
        raise ValueError("is not a valid e-mail address") from error


def _phone(value: str) -> str:
    import phonenumbers  # noqa: PLC0415 - see above

    try:
        parsed = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("is not a phone number in international form, such as +14155550123") from error
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("is not a possible phone number")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _moment(value: str) -> str:
    if not _RFC_3339.fullmatch(value):
        raise ValueError("is not an RFC 3339 date-time such as 2026-11-21T09:00:00Z")
    try:
        times.moment(value)
    except ValueError as error:  # the form is right, the day or hour does not exist
        raise ValueError("names a moment that does not exist") from error
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:|@/-]{1,255}$")]


class _Body(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, extra="forbid", strict=True, frozen=True)


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
    plan_error = _plan_error(value, plans)
    try:
        event = SignupEvent.model_validate(value)
    except ValidationError as error:
        errors = [_field_error(entry) for entry in error.errors(include_input=False)]
        named = {entry.field for entry in errors}
        if plan_error and plan_error.field not in named:
            errors.append(plan_error)
        raise invalid(tuple(errors)) from error
    if plan_error:
        raise invalid((plan_error,))
    return event


def _plan_error(value: Any, plans: PlanCatalog) -> FieldError | None:
    """What is wrong with plan and trial; a value of another type is the model's to complain of."""
    data = value.get("data") if isinstance(value, dict) else None
    key = data.get("plan") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(key, str):
        return None
    if (plan := plans.plans.get(key)) is None:
        return FieldError("data.plan", f"is not a plan; the plans are {', '.join(sorted(plans.plans))}")
    if data.get("trial") is True and not plan.trial_days:
        return FieldError("data.trial", f"cannot be true: plan {key} has no trial")
    return None


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
