"""Crm over HubSpot: batch upserts by keys of ours, then the three associations, up to 100 profiles at a time.

https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide (read 2026-11)
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from usher.adapters import hubspot_properties as properties
from usher.adapters.hubspot_calls import HubSpotCalls, client, close
from usher.adapters.vendor_errors import ApiKey, malformed, safe_code
from usher.domain.errors import UsherError, VendorRejected, VendorUnavailable
from usher.ports.admission import UNLIMITED, Admission
from usher.ports.crm import CrmIds, CrmProfile

BATCH = 100  # inputs HubSpot takes per batch call
_RETRYABLE = frozenset({"CONFLICT", "RATE_LIMITS", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"})

Row = tuple[dict[str, str], str]  # properties, correlation id
Pair = tuple[str, str]  # from id, to id
# object type, its unique property, that property's value, all properties
_Record = tuple[str, str, Callable[[CrmProfile], str], Callable[[CrmProfile], dict[str, str]]]
_PAIRS = ((0, 1), (1, 2), (0, 2))  # contact-company, company-subscription, contact-subscription


class HubSpotCrm:
    """Fulfils ports/crm.py; six calls, for one profile or for a hundred.

    Args:
        api_base: `https://api.hubapi.com`, or the stand-in's address.
        api_key: the private app's access token.
        timeout: seconds per call.
        connections: kept alive at most, per API (objects, associations).
        subscription_type: how the custom object is addressed, see policies/crm.yaml.
        admission: when each call may be made.
    """

    def __init__(
        self,
        *,
        api_base: str,
        api_key: ApiKey,
        timeout: float = 10.0,
        connections: int = 32,
        subscription_type: str = "p_subscription",
        admission: Admission = UNLIMITED,
    ) -> None:
        crm = client(api_base=api_base, connections=connections).crm
        self._objects, self._associations = crm.objects.batch_api, crm.associations.v4.batch_api
        self._calls = HubSpotCalls(api_key=api_key, timeout=timeout, admission=admission)
        self._records: tuple[_Record, ...] = (
            ("contacts", "email", properties.email, properties.contact),
            ("companies", "usher_account_id", properties.account_id, properties.company),
            (
                subscription_type,
                "usher_subscription_id",
                properties.subscription_key,
                properties.subscription,
            ),
        )

    def close(self) -> None:
        """Drop the kept connections."""
        close(self._objects, self._associations)

    def upsert(self, profile: CrmProfile, *, correlation_id: str) -> CrmIds:
        """See ports/crm.py."""
        (outcome,) = self.upsert_many([(profile, correlation_id)])
        if isinstance(outcome, UsherError):
            raise outcome
        return outcome

    def upsert_many(self, items: Sequence[tuple[CrmProfile, str]]) -> list[CrmIds | UsherError]:
        """One outcome per (profile, correlation id), in their order; one bad profile spoils no other.

        Of two profiles with one key the later wins, because HubSpot refuses a batch that names a key twice.
        A profile that fails goes no further, so an outage costs one call and not six.
        """
        outcomes: list[list[str] | UsherError] = [[] for _ in items]
        for kind, id_property, key, values in self._records:
            rows = {key(p): (values(p), c) for (p, c), had in zip(items, outcomes, strict=True) if _fine(had)}
            found = self._upsert(kind, id_property, rows)
            outcomes = [
                _with(had, found[key(p)]) if isinstance(had, list) else had
                for (p, _), had in zip(items, outcomes, strict=True)
            ]
        for one, other in _PAIRS:
            pairs = sorted({(ids[one], ids[other]) for ids in outcomes if isinstance(ids, list)})
            refused = self._associate(self._records[one][0], self._records[other][0], pairs)
            outcomes = [
                refused.get((ids[one], ids[other]), ids) if isinstance(ids, list) else ids for ids in outcomes
            ]
        return [_crm_ids(*ids) if isinstance(ids, list) else ids for ids in outcomes]

    def _upsert(self, kind: str, id_property: str, rows: dict[str, Row]) -> dict[str, str | UsherError]:
        """HubSpot's id, or the error, by key."""
        outcomes: dict[str, str | UsherError] = {}
        for part in _parts(list(rows.items()), BATCH):
            outcomes |= self._upsert_part(kind, id_property, part)
        return outcomes

    def _upsert_part(
        self, kind: str, id_property: str, rows: list[tuple[str, Row]]
    ) -> dict[str, str | UsherError]:
        # The trace id comes back with each result and each error; it also carries our correlation id there.
        traces = {f"{row[1]}-{number}": key for number, (key, row) in enumerate(rows)}
        inputs = [
            {"idProperty": id_property, "id": key, "objectWriteTraceId": trace, "properties": row[0]}
            for trace, (key, row) in zip(traces, rows, strict=True)
        ]
        operation = f"upsert {kind}"
        try:
            answer = self._calls.call(operation, self._objects.upsert, kind, {"inputs": inputs})
        except VendorRejected as error:
            if len(rows) == 1 or error.status in (401, 403, 404):
                return dict.fromkeys(traces.values(), error)
            middle = len(rows) // 2  # HubSpot refuses a whole batch for some faults of one: find that one
            halves = (rows[:middle], rows[middle:])
            return {k: v for half in halves for k, v in self._upsert_part(kind, id_property, half).items()}
        except VendorUnavailable as error:
            return dict.fromkeys(traces.values(), error)
        return _by_key(operation, answer, traces)

    def _associate(self, kind: str, other: str, pairs: list[Pair]) -> dict[Pair, UsherError]:
        """Put the default association on each pair; returns the pairs that still lack it."""
        refused: dict[Pair, UsherError] = {}
        operation = f"associate {kind} {other}"
        for part in _parts(pairs, BATCH):
            body = {"inputs": [{"from": {"id": one}, "to": {"id": two}} for one, two in part]}
            try:
                answer = self._calls.call(operation, self._associations.create_default, kind, other, body)
            except (VendorUnavailable, VendorRejected) as error:
                refused |= dict.fromkeys(part, error)
                continue
            try:
                done = {(str(r["from"]["id"]), str(r["to"]["id"])) for r in answer["results"]}
            except (KeyError, TypeError):
                refused |= dict.fromkeys(part, malformed("hubspot", operation))
                continue
            lost = [pair for pair in part if pair not in done and pair[::-1] not in done]
            errors = answer.get("errors") or [{}]
            refused |= {pair: _item_error(operation, errors[0]) for pair in lost}
        return refused


def _fine(outcome: list[str] | UsherError) -> bool:
    return isinstance(outcome, list)


def _with(ids: list[str], found: str | UsherError) -> list[str] | UsherError:
    return [*ids, found] if isinstance(found, str) else found


def _crm_ids(contact: str, company: str, subscription: str) -> CrmIds:
    return CrmIds(contact_id=contact, company_id=company, subscription_object_id=subscription)


def _by_key(operation: str, answer: dict[str, Any], traces: dict[str, str]) -> dict[str, str | UsherError]:
    """Results and errors of a 200 or 207 by key; what is in neither may have been done."""
    outcomes: dict[str, str | UsherError] = dict.fromkeys(traces.values(), malformed("hubspot", operation))
    try:
        for result in answer["results"]:
            if (key := traces.get(result.get("objectWriteTraceId"))) is not None:
                outcomes[key] = str(result["id"])
        for error in answer.get("errors") or ():
            for trace in error.get("context", {}).get("objectWriteTraceId", ()):
                if trace in traces:
                    outcomes[traces[trace]] = _item_error(operation, error)
    except (KeyError, TypeError, AttributeError):
        return dict.fromkeys(traces.values(), malformed("hubspot", operation))
    return outcomes


def _item_error(operation: str, error: dict[str, Any]) -> UsherError:
    category = safe_code(error.get("category")) or "no category"
    if category == "no category" or category in _RETRYABLE:
        return VendorUnavailable(f"hubspot put off one record of {operation} ({category}); try again later")
    message = f"hubspot refused one record of {operation} ({category}); correct the account's data"
    return VendorRejected(message, code=category, status=207)


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
