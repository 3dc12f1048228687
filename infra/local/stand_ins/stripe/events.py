"""Events: one row per change, and per webhook endpoint one delivery that is owed until it succeeded."""

import fnmatch
from collections import Counter
from typing import Any

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.state import Object, State, as_text

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL, type TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_at REAL NOT NULL DEFAULT 0, outcome TEXT,
    extra INTEGER NOT NULL DEFAULT 0);
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

    def record(self, id: str, type: str, text: str, previous: dict[str, Any] | None, now: int) -> None:
        """Store the event about the object that `text` is, and owe it to every endpoint that listens."""
        wanting = [
            endpoint["id"] for endpoint in self.endpoints() if _wants(endpoint["enabled_events"], type)
        ]
        changed = f',"previous_attributes":{as_text(previous)}' if previous is not None else ""
        request = as_text({"id": self.request_id, "idempotency_key": self.idempotency_key})
        event = (
            f'{{"id":"{id}","object":"event","api_version":"{self._api_version}","created":{now},'
            f'"data":{{"object":{text}{changed}}},"livemode":false,"pending_webhooks":{len(wanting)},'
            f'"request":{request},"type":"{type}"}}'
        )
        self._state.put("event", {"id": id}, created=now, text=event)
        for endpoint in wanting:
            self._state.connection.execute(
                "INSERT INTO deliveries (event, endpoint, type) VALUES (?, ?, ?)", (id, endpoint, type)
            )
            self.owed += 1

    def undelivered(self) -> Counter[str]:
        """How many endpoints still wait, by event."""
        rows = self._state.connection.execute("SELECT event FROM deliveries WHERE extra = 0")
        return Counter(event for (event,) in rows)


def _wants(enabled: list[str], type: str) -> bool:
    return (
        "*" in enabled
        or type in enabled
        or any("*" in name and fnmatch.fnmatch(type, name) for name in enabled)
    )
