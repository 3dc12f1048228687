"""CrmWithdrawal over HubSpot: what it has of an account says that nothing came of it; at most six calls.

https://developers.hubspot.com/docs/api-reference/crm-objects-v3/guide (read 2026-11)
"""

from typing import Any

from usher.adapters import hubspot_properties as properties
from usher.adapters.hubspot_calls import HubSpotCalls, client, close
from usher.adapters.vendor_errors import ApiKey, malformed
from usher.domain.errors import VendorUnavailable
from usher.ports.admission import UNLIMITED, Admission
from usher.ports.crm import CrmProfile

_NO_PLAN = {"plan_tier": ""}  # HubSpot's way to clear a property
_NOT_THERE = "OBJECT_NOT_FOUND"


class HubSpotWithdrawal:
    """Fulfils CrmWithdrawal of ports/crm.py. Its arguments are those of `HubSpotCrm`."""

    def __init__(
        self,
        *,
        api_base: str,
        api_key: ApiKey,
        timeout: float = 10.0,
        subscription_type: str = "p_subscription",
        admission: Admission = UNLIMITED,
    ) -> None:
        self._objects = client(api_base=api_base, connections=1).crm.objects.batch_api
        self._calls = HubSpotCalls(api_key=api_key, timeout=timeout, admission=admission)
        self._subscription_type = subscription_type

    def close(self) -> None:
        """Drop the kept connection."""
        close(self._objects)

    def withdraw(self, profile: CrmProfile, *, correlation_id: str) -> None:
        """See ports/crm.py."""
        for kind, id_property, key, values in (
            ("contacts", "email", properties.email(profile), _NO_PLAN),
            ("companies", "usher_account_id", profile.account_id, _NO_PLAN),
            (
                self._subscription_type,
                "usher_subscription_id",
                properties.subscription_key(profile),
                {"status": profile.subscription_status},
            ),
        ):
            if self._names(profile.account_id, kind, id_property, key):
                entry = {"idProperty": id_property, "id": key, "properties": values}
                traced = {**entry, "objectWriteTraceId": f"{correlation_id}-0"}
                self._calls.call(f"withdraw {kind}", self._objects.upsert, kind, {"inputs": [traced]})

    def _names(self, account_id: str, kind: str, id_property: str, key: str) -> bool:
        """Whether there is a record of this key and it names the account: a contact may be someone else's."""
        operation = f"read {kind}"
        body = {
            "idProperty": id_property,
            "inputs": [{"id": key}],
            "properties": ["usher_account_id"],
            "propertiesWithHistory": [],
        }
        answer: dict[str, Any] = self._calls.call(operation, self._objects.read, kind, body, writes=False)
        try:
            found = [record["properties"].get("usher_account_id") for record in answer["results"]]
            failed = [e for e in answer.get("errors") or () if e["category"] != _NOT_THERE]
        except (KeyError, TypeError, AttributeError) as error:
            raise malformed("hubspot", operation, writes=False) from error
        if failed:
            raise VendorUnavailable(f"hubspot did not say whether it has this record ({operation})")
        return account_id in found
