"""What every CrmWithdrawal promises: HubSpotWithdrawal against the stand-in."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import running
from infra.policy_files import FOLDER, read
from tests.contract.control import FAULTS, Control, as_logged
from usher.adapters.hubspot_crm import HubSpotCrm
from usher.adapters.hubspot_schema import CrmSchema, ensure_schema
from usher.adapters.hubspot_withdrawal import HubSpotWithdrawal
from usher.domain.errors import VendorRejected, VendorUnavailable
from usher.ports.crm import CrmProfile

KEY = "pat-secret"
READ = "POST /crm/v3/objects/{objectType}/batch/read"
UPSERT = "POST /crm/v3/objects/{objectType}/batch/upsert"
ADA = CrmProfile(
    account_id="acc_1",
    email="Ada@Canary.example",
    name="Ada Lovelace",
    phone=None,
    company_name="Acme",
    company_domain="acme.example",
    company_size=12,
    plan="pro-monthly",
    referral_source="friend",
    lifecycle_stage="customer",
    subscription_id="sub_1",
    subscription_status="active",
    amount_minor=4900,
    currency="usd",
)
GONE = ADA.model_copy(update={"subscription_status": "rolled_back"})


@pytest.fixture
def hubspot() -> Iterator[Control]:
    with running("hubspot", config=Config(api_key=KEY)) as here:
        ensure_schema(read(FOLDER / "crm.yaml", CrmSchema), api_base=here.url, api_key=KEY)
        control = Control(here.url)
        yield control
        control.close()


@pytest.fixture
def crm(hubspot: Control) -> Iterator[HubSpotCrm]:
    made = HubSpotCrm(api_base=hubspot.url, api_key=KEY)
    yield made
    made.close()


@pytest.fixture
def withdrawal(hubspot: Control) -> Iterator[HubSpotWithdrawal]:
    made = HubSpotWithdrawal(api_base=hubspot.url, api_key=KEY, timeout=0.3)
    yield made
    made.close()


def held(hubspot: Control) -> dict[str, Any]:
    """The one property of each kind that says whether the account is a customer; None without a record."""
    found = {}
    for kind, name in (("contacts", "plan_tier"), ("companies", "plan_tier"), ("subscription", "status")):
        objects = hubspot.call("GET", "/_control/objects").json()["objects"].get(kind, [])
        found[kind] = objects[0]["properties"].get(name) if objects else None
    return found


def test_all_three_records_say_that_nothing_came_of_it(
    hubspot: Control, crm: HubSpotCrm, withdrawal: HubSpotWithdrawal
) -> None:
    crm.upsert(ADA, correlation_id="c")
    withdrawal.withdraw(GONE, correlation_id="c")
    assert held(hubspot) == {"contacts": "", "companies": "", "subscription": "rolled_back"}
    (contact,) = hubspot.held("contacts")
    assert contact["properties"]["lifecyclestage"] == "customer"  # only a person moves it back


def test_who_never_came_to_the_crm_is_not_brought_there(
    hubspot: Control, withdrawal: HubSpotWithdrawal
) -> None:
    withdrawal.withdraw(GONE, correlation_id="c")
    assert held(hubspot) == {"contacts": None, "companies": None, "subscription": None}


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_what_an_upsert_left_half_way_is_withdrawn_and_nothing_added(
    hubspot: Control, crm: HubSpotCrm, withdrawal: HubSpotWithdrawal, nth: int
) -> None:
    hubspot.fault(UPSERT, "400", skip=nth)
    with pytest.raises(VendorRejected):
        crm.upsert(ADA, correlation_id="c")
    withdrawal.withdraw(GONE, correlation_id="c")
    left = {"contacts": "" if nth else None, "companies": "" if nth > 1 else None, "subscription": None}
    assert held(hubspot) == left


def test_a_contact_that_has_meanwhile_become_another_accounts_keeps_its_plan(
    hubspot: Control, crm: HubSpotCrm, withdrawal: HubSpotWithdrawal
) -> None:
    crm.upsert(ADA.model_copy(update={"account_id": "acc_2", "subscription_id": "sub_2"}), correlation_id="c")
    withdrawal.withdraw(GONE, correlation_id="c")
    assert held(hubspot)["contacts"] == "pro-monthly"


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", [READ, UPSERT])
def test_an_outage_is_vendor_unavailable_and_a_retry_converges(
    hubspot: Control, crm: HubSpotCrm, withdrawal: HubSpotWithdrawal, operation: str, fault: str
) -> None:
    crm.upsert(ADA, correlation_id="c")
    hubspot.fault(operation, fault)
    with pytest.raises(VendorUnavailable) as caught:
        withdrawal.withdraw(GONE, correlation_id="c")
    assert "canary" not in as_logged(caught.value).lower() and KEY not in as_logged(caught.value)
    withdrawal.withdraw(GONE, correlation_id="c")
    assert held(hubspot) == {"contacts": "", "companies": "", "subscription": "rolled_back"}
