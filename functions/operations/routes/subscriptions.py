"""Routes of an account's subscription: previews, changes, ends, pauses."""

from typing import Any, TypeVar

from pydantic import BaseModel

from usher.bootstrap.api import Call, Routes
from usher.bootstrap.subscriptions import desk
from usher.usecases.change_subscription import ChangeBody, change_subscription
from usher.usecases.end_subscription import CancelBody, Ended, end_subscription
from usher.usecases.pause_subscription import PauseBody, pause_subscription, resume_subscription
from usher.usecases.preview_subscription import Preview, PreviewBody, preview_subscription
from usher.usecases.reactivate_subscription import ReactivateBody, reactivate_subscription
from usher.usecases.subscription_desk import Request
from usher.usecases.subscription_state import SubscriptionState

T = TypeVar("T", bound=BaseModel)

routes = Routes()
BASE = "/v1/accounts/{id}/subscription"


@routes.post(f"{BASE}/preview", body=PreviewBody, answers=Preview)
def preview(call: Call[PreviewBody]) -> dict[str, Any]:
    return preview_subscription(request_of(call, "preview"), call.input, desk()).model_dump(exclude_none=True)


@routes.post(f"{BASE}/change", body=ChangeBody, answers=SubscriptionState)
def change(call: Call[ChangeBody]) -> dict[str, Any]:
    return change_subscription(request_of(call, "change"), call.input, desk()).model_dump(exclude_none=True)


@routes.post(f"{BASE}/cancel", body=CancelBody, answers=Ended)
def cancel(call: Call[CancelBody]) -> dict[str, Any]:
    return end_subscription(request_of(call, "cancel"), call.input, desk()).model_dump(exclude_none=True)


@routes.post(f"{BASE}/reactivate", body=ReactivateBody, answers=SubscriptionState)
def reactivate(call: Call[ReactivateBody]) -> dict[str, Any]:
    return reactivate_subscription(request_of(call, "reactivate"), call.input, desk()).model_dump(
        exclude_none=True
    )


@routes.post(f"{BASE}/pause", body=PauseBody, answers=SubscriptionState)
def pause(call: Call[PauseBody]) -> dict[str, Any]:
    return pause_subscription(request_of(call, "pause"), call.input, desk()).model_dump(exclude_none=True)


@routes.post(f"{BASE}/resume", body=PauseBody, answers=SubscriptionState)
def resume(call: Call[PauseBody]) -> dict[str, Any]:
    return resume_subscription(request_of(call, "resume"), call.input, desk()).model_dump(exclude_none=True)


def request_of(call: Call[T], action: str) -> Request:
    """Who asks for what of which account, named by the request's `Idempotency-Key` where it has one."""
    return Request(call.parameters["id"], action, call.caller, call.key)
