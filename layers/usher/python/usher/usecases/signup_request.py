"""The body of POST /webhooks/signup: its fields, and the words for what is wrong with them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, bad_fields, invalid
from usher.usecases.fields import Body, Email, PaymentMethod, Phone, Text, Token
from usher.usecases.moments import moment_text


class CompanyBody(Body):
    name: Text
    domain: (
        Annotated[
            str,
            StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"),
        ]
        | None
    ) = None
    size: Annotated[int, Field(ge=1, le=10_000_000)] | None = None


class ConsentBody(Body):
    marketing: bool = False


class SignupBody(Body):
    email: Email
    name: Text
    phone: Phone | None = None
    company: CompanyBody | None = None
    plan: Annotated[str, StringConstraints(max_length=64)]
    payment_method: PaymentMethod | None = None
    payment: Literal["card", "bank", "invoice"] = "card"
    trial: bool | None = None
    invitation_key: Token | None = None
    referral_source: Text | None = None
    external_id: Token | None = None
    sso_subject: Token | None = None
    locale: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")] | None = None
    consent: ConsentBody | None = None


class SignupEvent(Body):
    type: Literal["signup.completed"]
    timestamp: Annotated[str, StringConstraints(max_length=64), AfterValidator(moment_text)]
    data: SignupBody


def parse_signup(value: Any, plans: PlanCatalog) -> SignupEvent:
    """The validated event. Raises Problem 400 that names every bad field, never its value."""
    plan_error = _plan_error(value, plans)
    try:
        event = SignupEvent.model_validate(value)
    except ValidationError as error:
        errors = [*bad_fields(error.errors(include_input=False))]
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
    if data.get("trial") is True and data.get("payment") == "invoice":
        return FieldError(
            "data.trial", "cannot be true when an invoice is paid: its terms are in place of one"
        )
    return None
