"""What operators read in their channel: one message per event, without anybody's name or address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from usher.domain import money

LONGEST = 1500  # characters of one message; several make a post, and Slack takes 40,000
Block = dict[str, Any]


class ChatMessage(BaseModel):
    """One message as the queue carries it. `blocks` are Slack's; without them the text is all there is."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    text: str
    blocks: list[Block] | None = None


class About(BaseModel):
    """Whose message it is: what a person needs to find it, and no more."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True)

    signup_id: str
    account_id: str
    plan: str
    correlation_id: str
    failure_id: str | None = None
    url: str

    @property
    def line(self) -> str:
        return f"{self.account_id}, {self.signup_id}, plan {self.plan}, {self.correlation_id}"


def message(kind: str, payload: Mapping[str, Any], about: About) -> ChatMessage:
    """The event of this type as operators are told it."""
    if kind == "onboarding.waiting":
        return _waiting(payload, about)
    lines = [_headline(kind, payload), about.line, about.url]
    if about.failure_id is not None:
        lines.append(f"Try again: usher redrive {about.failure_id} --reason TEXT")
    return ChatMessage(text=_short("\n".join(lines)))


def digest(count: int, since: datetime, until: datetime) -> ChatMessage:
    """New customers among the sign-ups of a span of time, as one line."""
    customers = "1 new customer" if count == 1 else f"{count} new customers"
    return ChatMessage(text=f"{customers} among the sign-ups of {since:%H:%M} to {until:%H:%M} UTC")


def _headline(kind: str, payload: Mapping[str, Any]) -> str:
    step, reason = payload.get("step", "a step"), escaped(str(payload.get("reason", "")))
    stage, former = payload.get("stage"), payload.get("former_stage")
    return {
        "onboarding.completed": "New customer",
        "onboarding.degraded": f"Customer active, but {step} failed: {reason}",
        "onboarding.failed": f"Sign-up broke at {step}: {reason}",
        "onboarding.rolled_back": f"Sign-up rolled back at {step}: {reason}",
        "onboarding.rejected": f"Sign-up rejected: {reason}",
        "onboarding.expired": f"Sign-up expired: {reason}",
        "trial.repeated": f"A second trial was asked for and {payload.get('outcome')}: {reason}",
        "subscription.refused": f"A second subscription was cancelled and paid back: {reason}",
        "onboarding.payment_returned": f"Payment of {_money(payload)} given back: {reason}",
        "onboarding.repaired": f"Repaired: {step} ({_by(payload)})",
        "onboarding.stage_changed": f"Payment link: {former} → {stage}"
        if former
        else f"Payment link: {stage}",
    }.get(kind, kind)


def _money(payload: Mapping[str, Any]) -> str:
    """The amount of an event that has one, as people read it."""
    return money.text(payload["amount_minor"], payload["currency"]) if "amount_minor" in payload else ""


def _by(payload: Mapping[str, Any]) -> str:
    return "by itself" if payload.get("by") == "itself" else "after a person's redrive"


def _waiting(payload: Mapping[str, Any], about: About) -> ChatMessage:
    """A card: what is waited for, why, until when, what holds if nobody answers, and who is asked."""
    what = {
        "review": "a decision",
        "payment": "its first payment",
        "confirmation": "its e-mail confirmation",
        "check": "a second person's look",
    }
    again = "Still waiting" if payload.get("reminder") else "Waiting"
    headline = f"{again} for {what.get(str(payload['kind']), payload['kind'])}"
    facts = {
        "Why": escaped("; ".join(payload.get("reasons", ()))),
        "Until": payload.get("deadline"),
        "Else": payload.get("default"),
        "Who": escaped(_asked(payload)),
    }
    lines = [f"*{name}:* {value}" for name, value in facts.items() if value]
    acts = {"review": ("Decide", "decision"), "check": ("Sign off", "check")}
    if act := acts.get(str(payload["kind"])):
        lines.append(f"*{act[0]}:* POST {about.url.replace('/signups/', '/onboardings/')}/{act[1]}")
    text = "\n".join([headline, *(line.replace("*", "") for line in lines), about.line, about.url])
    return ChatMessage(
        text=_short(text),
        blocks=[
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": _short("\n".join([f"*{headline}*", *lines]))},
            },
            {"type": "context", "elements": [{"type": "mrkdwn", "text": f"{about.line} <{about.url}|open>"}]},
        ],
    )


def _asked(payload: Mapping[str, Any]) -> str:
    """Who is to decide; with the reminder also who may in their place."""
    names = [payload.get("reviewer"), payload.get("delegate") if payload.get("reminder") else None]
    return ", or in their place ".join(str(name) for name in names if name)


def merged(messages: list[ChatMessage]) -> ChatMessage:
    """Several messages as one post; as blocks when one of them has any."""
    text = "\n\n".join(message.text for message in messages)
    if not any(message.blocks for message in messages):
        return ChatMessage(text=text)
    blocks: list[Block] = []
    for each in messages:
        plain = [{"type": "section", "text": {"type": "mrkdwn", "text": each.text}}]
        blocks += [*([{"type": "divider"}] if blocks else []), *(each.blocks or plain)]
    return ChatMessage(text=text, blocks=blocks)


def escaped(text: str) -> str:
    """The text with what Slack takes for markup made harmless (its three characters)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
