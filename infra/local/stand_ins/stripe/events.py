"""Events: one row per change, and per webhook endpoint one delivery that is owed until it succeeded."""

import fnmatch
from typing import Any

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.state import Object, State

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL, type TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL DEFAULT 0, delivered_at REAL,
    outcome TEXT, extra INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS delivery_owed ON deliveries (next_at, seq) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS delivery_of_event ON deliveries (event);
"""
CONFIGURED = "we_configured"


class Events:
    """Records events and what is owed for them, in the transaction of the change.

    Args:
        config: `webhook_url` and `webhook_secret` make an endpoint of their own; its `enabled_events` is the
            option of that name.
    """

    def __init__(self, state: State, config: Config, api_version: str) -> None:
        self._state, self._api_version = state, api_version
        state.connection.executescript(SCHEMA)
        self._configured: Object | None = None
        if config.webhook_url:
            wanted = config.options.get("enabled_events", ["*"])
            self._configured = {
                "id": CONFIGURED,
                "url": config.webhook_url,
                "secret": config.webhook_secret or "",
            }
            self._configured |= {"enabled_events": wanted, "status": "enabled"}
        self._endpoints: list[Object] | None = None
        self.request_id: str | None = None
        self.idempotency_key: str | None = None
        self.owed = 0  # recorded and not yet looked at by the deliverer

    def endpoints(self) -> list[Object]:
        """Every endpoint that wants events, each with its secret."""
        if self._endpoints is None:
            own = [self._configured] if self._configured else []
            made = self._state.page("webhook_endpoint", oldest_first=True)
            self._endpoints = own + [endpoint for endpoint in made if endpoint["status"] == "enabled"]
        return self._endpoints

    def endpoints_changed(self) -> None:
        """Read the endpoints anew."""
        self._endpoints = None

    def record(self, id: str, type: str, value: Object, previous: dict[str, Any] | None, now: int) -> None:
        """Store the event and owe it to every endpoint that listens to its type."""
        wanting = [endpoint for endpoint in self.endpoints() if _wants(endpoint["enabled_events"], type)]
        data: dict[str, Any] = {"object": value}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": id,
            "object": "event",
            "api_version": self._api_version,
            "created": now,
            "data": data,
            "livemode": False,
            "pending_webhooks": len(wanting),
            "request": {"id": self.request_id, "idempotency_key": self.idempotency_key},
            "type": type,
        }
        owner = value["id"] if value["object"] == "customer" else value.get("customer")
        self._state.put("event", event, owner=owner, label=type)
        for endpoint in wanting:
            self._state.connection.execute(
                "INSERT INTO deliveries (event, endpoint, type) VALUES (?, ?, ?)", (id, endpoint["id"], type)
            )
            self.owed += 1

    def undelivered(self, event: str) -> int:
        """How many endpoints still wait for the event."""
        sql = "SELECT count(*) FROM deliveries WHERE event = ? AND delivered_at IS NULL AND extra = 0"
        count: int = self._state.connection.execute(sql, (event,)).fetchone()[0]
        return count


def _wants(enabled: list[str], type: str) -> bool:
    return (
        "*" in enabled
        or type in enabled
        or any("*" in name and fnmatch.fnmatch(type, name) for name in enabled)
    )
