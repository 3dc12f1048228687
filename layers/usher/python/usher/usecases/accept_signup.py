"""Intake of a sign-up: verify, store, queue, acknowledge. Nothing is acknowledged that could be lost (A1)."""

import hashlib
import json
from typing import Any

from usher.domain import ids, strict_json, times
from usher.domain.emails import claim_key
from usher.domain.errors import NotFound, StaleWrite
from usher.domain.invitations import invitation_id
from usher.domain.onboarding import REOPENABLE, OnboardingPolicy
from usher.domain.plans import PlanCatalog
from usher.domain.problems import FieldError, Problem, invalid, unauthorized
from usher.domain.webhook_signature import is_genuine
from usher.ports.clock import Clock
from usher.ports.http import Request
from usher.ports.keeper import Keeper
from usher.ports.queue import Message, Queue
from usher.ports.secrets import Secrets
from usher.ports.store import Absent, Both, Condition, ConditionFailed, Equals, Item, Put, Store
from usher.records import inbox
from usher.usecases.signup_request import SignupBody, parse_signup

SIGNUPS = "signups"  # the table of usher.records.signups
QUEUE = "signups"
MAX_BODY = 256 * 1024
_TRIES = 4


def accept_signup(
    request: Request,
    *,
    store: Store,
    queue: Queue,
    keeper: Keeper,
    secrets: Secrets,
    clock: Clock,
    plans: PlanCatalog,
    policy: OnboardingPolicy,
) -> dict[str, str]:
    """Returns `signup_id` and `correlation_id` of the sign-up, the former one's when this is a repeat.

    A repeat is the same webhook-id, or the same case-folded e-mail while the former sign-up is open or
    succeeded. A repeat of something unfinished is queued again, because the first delivery may have
    died between storing and queueing.

    Raises Problem 400, 401, 409, 413 or 415 (nothing stored), StoreUnavailable (nothing acknowledged).
    """
    webhook_id = _verified(request, secrets, clock)
    said = strict_json.parse(request.body)
    data = parse_signup(said, plans).data
    key = f"signup#{webhook_id}"
    signup_id = ids.derived("su", webhook_id)
    names = {"signup_id": signup_id, "correlation_id": ids.sibling("cor", signup_id)}
    digest = hashlib.sha256(request.body).hexdigest()
    received = clock.now()
    row = inbox.row(
        key,
        source="signup",
        body=_kept(request.body, said),
        digest=digest,
        received_at=received,
        keep_days=policy.inbox_retention_days,
        extra=names,
    )
    record = Put(SIGNUPS, _master_record(data, names, times.text(received)), if_=Absent("signup_id"))
    message = Message({**names, "event_id": key})
    accepted, unfinished = _store(store, keeper, row, record, data.email, digest, message)
    if unfinished:
        queue.send(QUEUE, [Message({**accepted, "event_id": key})])
    return accepted


def _verified(request: Request, secrets: Secrets, clock: Clock) -> str:
    """The webhook-id of a request that carries a good signature of its very bytes."""
    if len(request.body) > MAX_BODY:
        raise Problem(413, "Body too large", f"A sign-up is at most {MAX_BODY // 1024} KB")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(415, "Unsupported media type", "Send the sign-up as Content-Type: application/json")
    wanted = ("webhook-id", "webhook-timestamp", "webhook-signature")
    missing = [name for name in wanted if not request.headers.get(name)]
    if missing:
        raise unauthorized(f"Missing header {', '.join(missing)}")
    headers = {name: request.headers[name] for name in wanted}
    if len(headers["webhook-id"]) > 255 or not headers["webhook-id"].isprintable():
        raise invalid((FieldError("webhook-id", "is at most 255 printable characters"),))
    if not is_genuine(
        request.body,
        webhook_id=headers["webhook-id"],
        timestamp=headers["webhook-timestamp"],
        signature=headers["webhook-signature"],
        secrets=secrets.active("signup_webhook"),
        wall=clock.wall(),
    ):
        raise unauthorized("No active secret signed these bytes within the last five minutes")
    return headers["webhook-id"]


def _as_read(claim: Item) -> Condition:
    """That nobody has taken this claim since: no other sign-up, and not its own one by a redrive."""
    attempt = Equals("attempt", claim["attempt"]) if "attempt" in claim else Absent("attempt")
    return Both((Equals("signup_id", claim["signup_id"]), attempt))


def _store(
    store: Store, keeper: Keeper, row: Put, record: Put, email: str, digest: str, message: Message
) -> tuple[dict[str, str], bool]:
    """Claim the event and the e-mail and open the master record, all or none, and queue the new sign-up.

    Returns the names to answer with, and whether that sign-up, a former one, still has to be queued.
    """
    held: Item | None = None
    for _ in range(_TRIES):
        claim = Put(
            "claims",
            {"claim": claim_key(email), "signup_id": record.item["signup_id"]},
            if_=_as_read(held) if held else Absent("claim"),
        )
        try:
            keeper.keep([row, record, claim], QUEUE, message)
            return _names(record.item), False
        except ConditionFailed as error:
            if former := error.failed.get(0):
                return _same_event(former, digest)
            if former := error.failed.get(1):  # the inbox row has expired, the sign-up has not
                return _names(former), False
            claimed = error.failed.get(2)
            if claimed is None:
                held = None
                continue
        former_signup = _signup(store, claimed["signup_id"])
        names = _names(former_signup)
        if former_signup["status"] not in REOPENABLE:
            inbox.Inbox(store).keep(Put(row.table, {**row.item, **names}, if_=row.if_), outcome="repeat")
            return names, former_signup["status"] == "received"
        held = claimed
    raise StaleWrite("several sign-ups of one person came at once; send this one again")


def _signup(store: Store, signup_id: str) -> Item:
    """A master record as it is stored: intake needs its names and status, and no model of the rest."""
    item = store.get(SIGNUPS, {"signup_id": signup_id})
    if item is None:
        raise NotFound(f"no sign-up {signup_id}, though an e-mail is claimed for it")
    return item


def _same_event(former: Item, digest: str) -> tuple[dict[str, str], bool]:
    if former["digest"] != digest:
        raise Problem(409, "Conflict", "This webhook-id was used before with another body; use a new one")
    return _names(former), former["state"] == "claimed"


def _names(item: Item) -> dict[str, str]:
    return {"signup_id": item["signup_id"], "correlation_id": item["correlation_id"]}


def _kept(body: bytes, said: Any) -> str:
    """The body as the inbox keeps it: as it came, but for an invitation key, which may not be used up yet."""
    if said["data"].get("invitation_key") is None:
        return body.decode()
    kept = {**said, "data": {**said["data"], "invitation_key": "(not kept)"}}
    return json.dumps(kept, ensure_ascii=False)


def _master_record(data: SignupBody, names: dict[str, str], received_at: str) -> Item:
    values = data.model_dump(exclude={"consent", "invitation_key"}, exclude_none=True)
    if data.invitation_key is not None:
        values["invitation_id"] = invitation_id(data.invitation_key)
    return {
        **values,
        **names,
        "status": "received",
        "stage": "received",
        "received_at": received_at,
        "marketing_consent": bool(data.consent and data.consent.marketing),
    }
