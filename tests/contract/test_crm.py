"""What every Crm promises: HubSpotCrm against the stand-in, and the fake where it applies (B5)."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.hubspot import contract
from infra.local.stand_ins.serve import running
from infra.policy_files import FOLDER, read
from tests.contract.control import FAULTS, Control, as_logged, nowhere
from tests.fakes.vendors import RecordingCrm
from usher.adapters.hubspot_crm import HubSpotCrm
from usher.adapters.hubspot_schema import CrmSchema, Property, ensure_schema
from usher.domain.errors import Conflict, VendorRejected, VendorUnavailable
from usher.ports.crm import Crm, CrmIds, CrmProfile

KEY = "pat-secret"
AUTH = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
UPSERT = "POST /crm/v3/objects/{objectType}/batch/upsert"
ASSOCIATE = "POST /crm/v4/associations/{fromObjectType}/{toObjectType}/batch/associate/default"
SCHEMA = read(FOLDER / "crm.yaml", CrmSchema)
ADA = CrmProfile(
    account_id="acc_1",
    email="Ada@Canary.example",
    name="Ada King Lovelace",
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
KINDS = ("contacts", "companies", "subscription")


def person(number: int, **changes: Any) -> CrmProfile:
    ids = {"account_id": f"acc_{number}", "email": f"p{number}@x.example", "subscription_id": f"sub_{number}"}
    return ADA.model_copy(update=ids | changes)


@pytest.fixture(scope="module")
def server() -> Iterator[Control]:
    with running("hubspot", config=Config(api_key=KEY)) as here:
        control = Control(here.url)
        yield control
        control.close()


@pytest.fixture
def hubspot(server: Control) -> Iterator[Control]:
    server.call("DELETE", "/_control/objects")
    ensure_schema(SCHEMA, api_base=server.url, api_key=KEY)
    yield server
    server.call("DELETE", "/_control/faults")


@pytest.fixture
def adapter(hubspot: Control) -> Iterator[HubSpotCrm]:
    crm = HubSpotCrm(api_base=hubspot.url, api_key=lambda: KEY, timeout=0.3)
    yield crm
    crm.close()


@pytest.fixture(params=["hubspot", "fake"])
def crm(request: pytest.FixtureRequest, adapter: HubSpotCrm) -> Crm:
    return adapter if request.param == "hubspot" else RecordingCrm()


def test_a_repeat_answers_the_same_ids(crm: Crm) -> None:
    first = crm.upsert(ADA, correlation_id="c")
    assert crm.upsert(ADA, correlation_id="d") == first


def test_many_at_once_are_what_each_alone_would_be(crm: Crm) -> None:
    many = crm.upsert_many([(person(number), f"c{number}") for number in range(5)])
    assert [crm.upsert(person(number), correlation_id="d") for number in range(5)] == many
    assert crm.upsert_many([]) == []


def test_each_account_has_records_of_its_own(crm: Crm) -> None:
    one, two = (crm.upsert(person(number), correlation_id="c") for number in (1, 2))
    assert set(one.model_dump().values()).isdisjoint(two.model_dump().values())


def test_three_records_hold_what_was_given_and_are_associated(adapter: HubSpotCrm, hubspot: Control) -> None:
    ids = adapter.upsert(ADA, correlation_id="c")
    (contact,), (company,), (subscription,) = (hubspot.held(kind) for kind in KINDS)
    assert (contact["id"], company["id"]) == (ids.contact_id, ids.company_id)
    assert subscription["id"] == ids.subscription_object_id
    assert contact["properties"] == {
        "email": "ada@canary.example",
        "firstname": "Ada",
        "lastname": "King Lovelace",
        "company": "Acme",
        "lifecyclestage": "customer",
        "usher_account_id": "acc_1",
        "plan_tier": "pro-monthly",
        "referral_source": "friend",
    }
    assert company["properties"]["company_size"] == "12"
    assert subscription["properties"]["usher_subscription_id"] == "sub_1"
    assert len(hubspot.held("association")) == 3


def test_a_repeat_has_no_second_effect(adapter: HubSpotCrm, hubspot: Control) -> None:
    adapter.upsert(ADA, correlation_id="c")
    effects = hubspot.effects()
    adapter.upsert(ADA, correlation_id="d")
    assert hubspot.effects() == effects


def test_an_account_without_subscription_has_one_object_under_its_own_id(
    adapter: HubSpotCrm, hubspot: Control
) -> None:
    adapter.upsert(ADA.model_copy(update={"subscription_id": None}), correlation_id="c")
    assert hubspot.held("subscription")[0]["properties"]["usher_subscription_id"] == "acc_1"


def test_what_is_not_known_wipes_nothing_out(adapter: HubSpotCrm, hubspot: Control) -> None:
    adapter.upsert(ADA, correlation_id="c")
    adapter.upsert(ADA.model_copy(update={"referral_source": None, "company_size": None}), correlation_id="c")
    assert hubspot.held("contacts")[0]["properties"]["referral_source"] == "friend"


def test_the_lifecycle_stage_only_moves_forward(adapter: HubSpotCrm, hubspot: Control) -> None:
    for stage in ("lead", "evangelist", "customer"):
        adapter.upsert(ADA.model_copy(update={"lifecycle_stage": stage}), correlation_id="c")
    assert hubspot.held("contacts")[0]["properties"]["lifecyclestage"] == "evangelist"


def test_a_hundred_profiles_take_six_calls(adapter: HubSpotCrm, hubspot: Control) -> None:
    before = hubspot.calls()
    outcomes = adapter.upsert_many([(person(number), f"c{number}") for number in range(100)])
    assert all(isinstance(outcome, CrmIds) for outcome in outcomes)
    assert hubspot.calls() - before == 6
    assert [len(hubspot.held(kind)) for kind in (*KINDS, "association")] == [100, 100, 100, 300]


def test_one_bad_profile_spoils_no_other(adapter: HubSpotCrm, hubspot: Control) -> None:
    items = [(person(1), "c"), (person(2, email="canary"), "c"), (person(3), "c")]
    first, bad, last = adapter.upsert_many(items)
    assert isinstance(first, CrmIds) and isinstance(last, CrmIds)
    assert isinstance(bad, VendorRejected) and bad.code == "VALIDATION_ERROR"
    assert "canary" not in as_logged(bad)
    assert len(hubspot.held("association")) == 6


def test_two_profiles_of_one_person_in_a_batch_share_the_contact(
    adapter: HubSpotCrm, hubspot: Control
) -> None:
    outcomes = adapter.upsert_many([(person(1), "c"), (person(2, email="P1@x.example"), "c")])
    contacts = {outcome.contact_id for outcome in outcomes if isinstance(outcome, CrmIds)}
    assert len(outcomes) == 2 and len(contacts) == len(hubspot.held("contacts")) == 1


def test_a_batch_that_is_refused_whole_is_split_until_the_bad_one_is_alone() -> None:
    with running("hubspot", config=Config(options={"multi_status": False})) as here:
        ensure_schema(SCHEMA, api_base=here.url, api_key=KEY)
        crm = HubSpotCrm(api_base=here.url, api_key=KEY)
        items = [
            (person(number, email="bad" if number == 5 else f"p{number}@x.example"), "c")
            for number in range(9)
        ]
        outcomes = crm.upsert_many(items)
        crm.close()
    assert [number for number, each in enumerate(outcomes) if isinstance(each, VendorRejected)] == [5]
    assert sum(isinstance(each, CrmIds) for each in outcomes) == 8


@pytest.mark.parametrize(("fault", "unknown"), FAULTS.items())
@pytest.mark.parametrize("operation", [UPSERT, ASSOCIATE])
def test_an_outage_is_vendor_unavailable_and_a_retry_converges(
    adapter: HubSpotCrm, hubspot: Control, operation: str, fault: str, unknown: bool
) -> None:
    hubspot.fault(operation, fault)
    with pytest.raises(VendorUnavailable) as caught:
        adapter.upsert(ADA, correlation_id="c")
    assert caught.value.outcome_unknown is unknown
    assert "canary" not in as_logged(caught.value).lower() and KEY not in as_logged(caught.value)
    adapter.upsert(ADA, correlation_id="c")
    assert [len(hubspot.held(kind)) for kind in (*KINDS, "association")] == [1, 1, 1, 3]


def test_an_outage_costs_one_call(adapter: HubSpotCrm, hubspot: Control) -> None:
    before = hubspot.calls()
    hubspot.fault(UPSERT, "500")
    with pytest.raises(VendorUnavailable):
        adapter.upsert(ADA, correlation_id="c")
    assert hubspot.calls() - before == 1


def test_nobody_listening_is_a_known_outcome() -> None:
    crm = HubSpotCrm(api_base=nowhere(), api_key=KEY)
    with pytest.raises(VendorUnavailable) as caught:
        crm.upsert(ADA, correlation_id="c")
    crm.close()
    assert caught.value.outcome_unknown is False


def test_a_wrong_key_is_rejected_at_the_first_call(hubspot: Control) -> None:
    crm = HubSpotCrm(api_base=hubspot.url, api_key="other")
    with pytest.raises(VendorRejected, match="check the API key") as caught:
        crm.upsert(ADA, correlation_id="c")
    crm.close()
    assert "canary" not in as_logged(caught.value).lower()


def test_a_missing_property_is_rejected_and_says_so(adapter: HubSpotCrm, hubspot: Control) -> None:
    hubspot.call("DELETE", "/_control/objects")
    with pytest.raises(VendorRejected) as caught:
        adapter.upsert(ADA, correlation_id="c")
    assert caught.value.code == "VALIDATION_ERROR"


def test_more_calls_than_hubspot_allows_are_put_off_when_limits_are_on() -> None:
    config = Config(enforce_limits=True, options={"requests_per_10_seconds": 15})
    with running("hubspot", config=config) as here:
        ensure_schema(SCHEMA, api_base=here.url, api_key=KEY)
        crm = HubSpotCrm(api_base=here.url, api_key=KEY)
        with pytest.raises(VendorUnavailable, match="429") as caught:
            for number in range(3):
                crm.upsert(person(number), correlation_id="c")
        crm.close()
    assert caught.value.outcome_unknown is False


def test_the_set_up_creates_what_is_missing_and_repeats_without_effect(hubspot: Control) -> None:
    effects = hubspot.effects()
    assert ensure_schema(SCHEMA, api_base=hubspot.url, api_key=KEY) == []
    assert hubspot.effects() == effects
    wider = SCHEMA.model_copy(
        update={"contacts": (*SCHEMA.contacts, Property(name="nps", label="NPS", type="number"))}
    )
    assert ensure_schema(wider, api_base=hubspot.url, api_key=KEY) == ["contacts.nps"]


def test_a_property_of_another_type_is_a_conflict_that_names_it(hubspot: Control) -> None:
    other = Property(name="plan_tier", label="Plan", type="number")
    with pytest.raises(Conflict, match=r"plan_tier of contacts .*crm\.yaml"):
        ensure_schema(SCHEMA.model_copy(update={"contacts": (other,)}), api_base=hubspot.url, api_key=KEY)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"inputs": [{"id": "a@x.example", "idProperty": "email"}]}, "lacks properties"),
        (
            {"inputs": [{"id": "a@x.example", "properties": {}, "idproperty": "email"}]},
            "unknown fields: idproperty",
        ),
        (
            {"inputs": [{"id": "a@x.example", "properties": {"phone": 1}}]},
            "properties.phone is not of type str",
        ),
        (
            {"inputs": [{"id": f"{n}@x.example", "properties": {}} for n in range(101)]},
            "maximum number of inputs",
        ),
        ({"inputs": [{"id": "a@x.example", "properties": {}}] * 2}, "Duplicate IDs"),
    ],
)
def test_the_stand_in_refuses_what_the_contract_forbids(hubspot: Control, body: Any, said: str) -> None:
    answer = hubspot.call("POST", "/crm/v3/objects/contacts/batch/upsert", body, **AUTH)
    assert answer.status == 400 and said in answer.json()["message"]
    assert "contacts" not in hubspot.call("GET", "/_control/objects").json()["counts"]


def test_a_unique_value_belongs_to_one_record(adapter: HubSpotCrm, hubspot: Control) -> None:
    one, _ = (adapter.upsert(person(number), correlation_id="c") for number in (1, 2))
    change = {"properties": {"email": "p2@x.example"}}
    path = f"/crm/v3/objects/contacts/{one.contact_id}"
    assert hubspot.call("PATCH", path, change, **AUTH).status == 409


def test_the_sdk_still_has_every_operation_of_the_contract() -> None:
    """Fails when a new version of the SDK drops operations, or writes its source in another way."""
    assert len(contract.operations()) >= 41
    assert contract.operations()[UPSERT].answers.keys() == {200, 207}
    assert contract.operations()[UPSERT].body == "BatchInputSimplePublicObjectBatchInputUpsert"
