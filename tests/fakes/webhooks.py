"""Signed webhooks as API Gateway (HTTP API, payload format 2.0) hands them to a function."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.fakes.world import NOON, SIGNUP_SECRET, STRIPE_SECRET

ADA: dict[str, Any] = {
    "email": "ada@example.com",
    "name": "Ada Lovelace",
    "company": {"name": "Analytical Engines"},
    "plan": "starter-monthly",
    "payment_method": "pm_card_visa",
}


def api_event(path: str, headers: dict[str, str], body: bytes, *, in_base64: bool = False) -> dict[str, Any]:
    """A POST. API Gateway sends text bodies plain and all others in base64."""
    return {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {"requestId": "req-1", "http": {"method": "POST", "path": path}},
        "body": base64.b64encode(body).decode() if in_base64 else body.decode(),
        "isBase64Encoded": in_base64,
    }


def signup_body(**data: Any) -> bytes:
    """A sign-up of Ada with these fields of `data` changed; None leaves one out."""
    fields = {name: value for name, value in (ADA | data).items() if value is not None}
    event = {"type": "signup.completed", "timestamp": "2025-11-21T12:00:00Z", "data": fields}
    return json.dumps(event).encode()


def signup_headers(
    body: bytes, *, webhook_id: str = "msg_1", at: datetime = NOON, secret: str = SIGNUP_SECRET
) -> dict[str, str]:
    """Standard Webhooks headers for these bytes, signed by the specification's own library where it can."""
    try:
        signature = Webhook(secret).sign(webhook_id, at, body.decode())
    except UnicodeDecodeError:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{webhook_id}.{int(at.timestamp())}.".encode() + body
        signature = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def signup_post(
    body: bytes | None = None,
    *,
    webhook_id: str = "msg_1",
    at: datetime = NOON,
    secret: str = SIGNUP_SECRET,
    in_base64: bool = False,
    headers: dict[str, str] | None = None,
    **data: Any,
) -> dict[str, Any]:
    """A signed POST /webhooks/signup; `headers` replace single ones."""
    body = signup_body(**data) if body is None else body
    signed = signup_headers(body, webhook_id=webhook_id, at=at, secret=secret) | (headers or {})
    try:
        body.decode()
    except UnicodeDecodeError:
        in_base64 = True
    return api_event("/webhooks/signup", signed, body, in_base64=in_base64)


def stripe_signature(body: bytes, *, at: datetime = NOON, secret: str = STRIPE_SECRET) -> str:
    """The Stripe-Signature header for these bytes."""
    timestamp = str(int(at.timestamp()))
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"t={timestamp},v1={mac.hexdigest()}"


def stripe_body(
    id: str = "evt_1",
    *,
    type: str = "customer.subscription.updated",
    object: dict[str, Any] | None = None,
    key: str | None = None,
    **fields: Any,
) -> bytes:
    """A Stripe event; `key` is the idempotency key of the request that caused it."""
    event: dict[str, Any] = {
        "id": id,
        "object": "event",
        "type": type,
        "created": int(NOON.timestamp()),
        "data": {"object": object or {"id": "sub_0001", "object": "subscription", "customer": "cus_0001"}},
        "request": {"id": "req_1", "idempotency_key": key},
    }
    return json.dumps(event | fields).encode()


def stripe_post(
    body: bytes | None = None,
    *,
    at: datetime = NOON,
    secret: str = STRIPE_SECRET,
    signature: str | None = None,
    **event: Any,
) -> dict[str, Any]:
    """A signed POST /webhooks/stripe."""
    body = stripe_body(**event) if body is None else body
    header = stripe_signature(body, at=at, secret=secret) if signature is None else signature
    headers = {"content-type": "application/json; charset=utf-8", "stripe-signature": header}
    return api_event("/webhooks/stripe", headers, body, in_base64=True)
