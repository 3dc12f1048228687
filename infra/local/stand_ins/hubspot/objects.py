"""Objects of any type: batch upsert, read and archive, single reads and changes, search."""

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from infra.local.stand_ins.clock import StandInClock
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.hubspot.errors import error, item_error
from infra.local.stand_ins.hubspot.schema import Schema, forward, shown
from infra.local.stand_ins.stand_in import Handler, Refusal
from infra.local.stand_ins.state import State

BATCH = 100
_OBJECTS = "/crm/v3/objects/{objectType}"


class Objects:
    """An object is kept under its type; its label is the value of the type's unique property.

    Args:
        multi_status: answer a faulty batch whose inputs have trace ids by 207, else refuse it whole.
    """

    def __init__(
        self, state: State, schema: Schema, clock: StandInClock, *, multi_status: bool = True
    ) -> None:
        self._state, self._schema, self._clock, self._multi_status = state, schema, clock, multi_status

    def routes(self) -> dict[str, Handler]:
        return {
            f"POST {_OBJECTS}/batch/upsert": self.upsert_batch,
            f"POST {_OBJECTS}/batch/read": self.read_batch,
            f"POST {_OBJECTS}/batch/archive": self.archive_batch,
            f"POST {_OBJECTS}/search": self.search,
            f"GET {_OBJECTS}": self.listing,
            f"GET {_OBJECTS}/{{objectId}}": self.get,
            f"PATCH {_OBJECTS}/{{objectId}}": self.change,
            f"DELETE {_OBJECTS}/{{objectId}}": self.archive,
        }

    def upsert_batch(self, request: Request) -> Answer:
        kind = self._schema.kind(request.path_params["objectType"])
        inputs = inputs_of(request)
        if twice := [id for id, times in Counter(i["id"].lower() for i in inputs).items() if times > 1]:
            message = f"Duplicate IDs found in batch input: {twice}. IDs must be unique"
            raise Refusal(error(400, "VALIDATION_ERROR", message))
        traced = self._multi_status and all(entry.get("objectWriteTraceId") for entry in inputs)
        results, errors = [], []
        for entry in inputs:
            outcome = self._upsert(kind, entry)
            if isinstance(outcome, tuple):
                code, message = outcome
                if not traced:  # HubSpot then refuses the batch as a whole
                    raise Refusal(error(400, "VALIDATION_ERROR", message, errors=[{"message": message}]))
                context = {"objectWriteTraceId": [entry["objectWriteTraceId"]], "code": [code]}
                category = "CONFLICT" if code == "CONFLICT" else "VALIDATION_ERROR"
                errors.append(item_error(category, message, context))
            else:
                results.append(outcome)
        return batch_answer(self._clock, results, errors)

    def _upsert(self, kind: str, entry: dict[str, Any]) -> dict[str, Any] | tuple[str, str]:
        """The result, or (code, message) of the input's fault."""
        unique = self._schema.unique(kind)
        if entry.get("idProperty") != unique:
            return "INVALID_ID_PROPERTY", f"{entry.get('idProperty')} is not a unique property of {kind}"
        key = entry["id"].lower() if unique == "email" else entry["id"]
        wanted = {unique: key} | entry["properties"]
        if unique == "email":
            wanted["email"] = wanted["email"].lower()
        if fault := self._schema.fault(kind, wanted):
            return fault
        held = self._state.find(kind, key)
        if wanted[unique] != key and self._state.find(kind, wanted[unique]):
            return "CONFLICT", f"{unique} is already used by another record"
        value, new = (held, False) if held else (self._made(), True)
        self._keep(kind, value, wanted, str(unique))
        trace = {"objectWriteTraceId": entry["objectWriteTraceId"]} if "objectWriteTraceId" in entry else {}
        return _shown(value) | {"new": new} | trace

    def _made(self) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "id": str(uuid.uuid4().int % 10**11 + 10**11),
            "created": int(now),
            "properties": {},
            "createdAt": moment(now),
            "archived": False,
        }

    def _keep(self, kind: str, value: dict[str, Any], wanted: dict[str, str], unique: str | None) -> None:
        """Write what is different; a repeat writes nothing."""
        changes = forward(value["properties"], wanted)
        if "updatedAt" in value and all(value["properties"].get(k, "") == v for k, v in changes.items()):
            return
        value["properties"] |= changes
        value["updatedAt"] = moment(self._clock.now())
        self._state.put(kind, value, label=value["properties"].get(unique) if unique else None)

    def read_batch(self, request: Request) -> Answer:
        kind, body = self._schema.kind(request.path_params["objectType"]), request.json()
        results, errors = [], []
        for entry in inputs_of(request):
            found = self._find(kind, entry["id"], body.get("idProperty"))
            if found:
                results.append(_shown(found))
            else:
                errors.append(item_error("OBJECT_NOT_FOUND", "No record", {"ids": [entry["id"]]}))
        return batch_answer(self._clock, results, errors)

    def archive_batch(self, request: Request) -> Answer:
        kind = self._schema.kind(request.path_params["objectType"])
        for entry in inputs_of(request):
            self._remove(kind, entry["id"])
        return Answer(204)

    def search(self, request: Request) -> Any:
        """Filters EQ, IN and HAS_PROPERTY; `after` is a number in a string."""
        kind, body = self._schema.kind(request.path_params["objectType"]), request.json()
        groups = [group["filters"] for group in body.get("filterGroups") or []]
        found = [
            value
            for value in self._state.page(kind, oldest_first=True)
            if not groups or any(all(_passes(value, f) for f in filters) for filters in groups)
        ]
        start, limit = int(body.get("after") or 0), min(int(body.get("limit") or 10), 200)
        page = [_shown(value) for value in found[start : start + limit]]
        answer: dict[str, Any] = {"total": len(found), "results": page}
        if start + limit < len(found):
            answer["paging"] = {"next": {"after": str(start + limit), "link": ""}}
        return answer

    def listing(self, request: Request) -> Any:
        kind = self._schema.kind(request.path_params["objectType"])
        limit = min(int(request.query.get("limit") or 10), 100)
        after = request.query.get("after")
        found = self._state.page(kind, after=after, limit=limit + 1, oldest_first=True)
        answer: dict[str, Any] = {"results": [_shown(value) for value in found[:limit]]}
        if len(found) > limit:
            answer["paging"] = {"next": {"after": found[limit - 1]["id"], "link": ""}}
        return answer

    def get(self, request: Request) -> Any:
        return _shown(self._needed(request)[1])

    def change(self, request: Request) -> Any:
        kind, value = self._needed(request)
        wanted, unique = request.json()["properties"], self._schema.unique(kind)
        if fault := self._schema.fault(kind, wanted):
            raise Refusal(error(400, "VALIDATION_ERROR", fault[1]))
        other = self._state.find(kind, wanted[unique]) if unique in wanted else None
        if other and other["id"] != value["id"]:
            raise Refusal(error(409, "CONFLICT", f"{unique} is already used by record {other['id']}"))
        self._keep(kind, value, wanted, unique)
        return _shown(value)

    def archive(self, request: Request) -> Answer:
        self._remove(self._schema.kind(request.path_params["objectType"]), request.path_params["objectId"])
        return Answer(204)

    def _needed(self, request: Request) -> tuple[str, dict[str, Any]]:
        kind = self._schema.kind(request.path_params["objectType"])
        found = self._find(kind, request.path_params["objectId"], request.query.get("idProperty"))
        if found is None:
            raise Refusal(error(404, "OBJECT_NOT_FOUND", "resource not found"))
        return kind, found

    def _find(self, kind: str, id: str, id_property: str | None) -> dict[str, Any] | None:
        return (
            self._state.find(kind, id.lower() if kind == "contacts" else id)
            if id_property
            else (self._state.get(kind, id))
        )

    def _remove(self, kind: str, id: str) -> None:
        """Remove an object with its associations."""
        if self._state.get(kind, id) is None:
            return
        name = f"{kind}/{id}"
        for association in (
            *self._state.page("association", owner=name),
            *self._state.page("association", label=name),
        ):
            self._state.delete("association", association["id"])
        self._state.delete(kind, id)


def inputs_of(request: Request) -> list[dict[str, Any]]:
    """The inputs of a batch; raises Refusal when there are too many."""
    inputs: list[dict[str, Any]] = request.json()["inputs"]
    if not 0 < len(inputs) <= BATCH:
        message = f"The maximum number of inputs supported in a batch request is {BATCH}"
        raise Refusal(error(400, "VALIDATION_ERROR", message))
    return inputs


def batch_answer(clock: StandInClock, results: list[Any], errors: list[Any]) -> Answer:
    """200 with results, or 207 with results and errors."""
    at = moment(clock.now())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Answer.of(body, 207 if errors else 200)


def moment(epoch: float) -> str:
    """Epoch seconds as HubSpot writes a time."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(value: dict[str, Any]) -> dict[str, Any]:
    return {"id": value["id"]} | shown(value)


def _passes(value: dict[str, Any], filter: dict[str, Any]) -> bool:
    held = value["properties"].get(filter["propertyName"])
    operator = filter["operator"]
    if operator == "HAS_PROPERTY":
        return held is not None
    if operator == "IN":
        return held in filter["values"]
    if operator == "EQ":
        return bool(held == filter["value"])
    raise Refusal(error(400, "VALIDATION_ERROR", f"The stand-in has no operator {operator}"))
