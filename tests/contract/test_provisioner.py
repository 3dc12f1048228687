"""What every Provisioner promises: ProductProvisioner against the stand-in, and the fake where it applies.

Row B4 of docs/product.md.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.launch import launch
from infra.local.stand_ins.serve import running
from tests.contract.control import FAULTS, Control, as_logged, nowhere
from tests.fakes.vendors import RecordingProvisioner
from usher.adapters.product_provisioner import ProductProvisioner
from usher.domain.errors import VendorRejected, VendorUnavailable
from usher.ports.provisioner import Provisioner

KEY = "product-secret"
ADA = {"account_id": "acc_1", "email": "ada@canary.example", "name": "Ada", "sso_subject": None}
PUTS: dict[str, Callable[[Provisioner], Any]] = {
    "/v1/identities/{account_id}": lambda p: p.put_identity(**ADA, correlation_id="c"),
    "/v1/tenants/{account_id}": lambda p: tenant(p),
    "/v1/tenants/{tenant_id}/subdomain": lambda p: subdomain(p, "acc_1"),
    "/v1/tenants/{tenant_id}/flags": lambda p: p.put_flags(
        tenant_id=tenant(p), flags={"beta": True}, correlation_id="c"
    ),
    "/v1/tenants/{tenant_id}/api-keys/{name}": lambda p: p.put_api_key(
        tenant_id=tenant(p), key_name="default", correlation_id="c"
    ),
    "/v1/tenants/{tenant_id}/credits/{grant}": lambda p: p.put_credits(
        tenant_id=tenant(p), grant="welcome", amount=100, correlation_id="c"
    ),
}


DELETES: dict[str, Callable[[Provisioner], None]] = {
    "identity": lambda p: p.delete_identity(account_id="acc_1", correlation_id="c"),
    "tenant": lambda p: p.delete_tenant(account_id="acc_1", correlation_id="c"),
    "subdomain": lambda p: p.delete_subdomain(tenant_id=tenant(p), correlation_id="c"),
    "flags": lambda p: p.delete_flags(tenant_id=tenant(p), correlation_id="c"),
    "api_key": lambda p: p.delete_api_key(tenant_id=tenant(p), key_name="default", correlation_id="c"),
    "credit": lambda p: p.delete_credits(tenant_id=tenant(p), grant="welcome", correlation_id="c"),
}


def tenant(provisioner: Provisioner, account_id: str = "acc_1") -> str:
    return provisioner.put_tenant(
        account_id=account_id, company="Acme", plan="pro-monthly", correlation_id="c"
    )


def subdomain(provisioner: Provisioner, account_id: str, wanted: str = "acme") -> str:
    tenant_id = tenant(provisioner, account_id)
    return provisioner.put_subdomain(tenant_id=tenant_id, wanted=wanted, correlation_id="c")


@pytest.fixture(scope="module")
def server() -> Iterator[Control]:
    with running("product", config=Config(api_key=KEY)) as here:
        control = Control(here.url)
        yield control
        control.close()


@pytest.fixture
def product(server: Control) -> Iterator[Control]:
    server.call("DELETE", "/_control/objects")
    yield server
    server.call("DELETE", "/_control/faults")


@pytest.fixture
def adapter(product: Control) -> Iterator[ProductProvisioner]:
    provisioner = ProductProvisioner(api_base=product.url, api_key=lambda: KEY, timeout=0.3)
    yield provisioner
    provisioner.close()


@pytest.fixture(params=["product", "fake"])
def any_provisioner(request: pytest.FixtureRequest, adapter: ProductProvisioner) -> Provisioner:
    return adapter if request.param == "product" else RecordingProvisioner()


@pytest.mark.parametrize("put", PUTS.values(), ids=PUTS)
def test_a_repeat_answers_the_same(any_provisioner: Provisioner, put: Callable[[Provisioner], Any]) -> None:
    assert put(any_provisioner) == put(any_provisioner)


@pytest.mark.parametrize("put", PUTS.values(), ids=PUTS)
def test_a_repeat_has_no_second_effect(
    adapter: ProductProvisioner, product: Control, put: Callable[[Provisioner], Any]
) -> None:
    put(adapter)
    effects = product.effects()
    put(adapter)
    assert product.effects() == effects > 0


@pytest.mark.parametrize("kind", DELETES)
def test_a_delete_removes_what_its_put_made_and_a_second_one_is_no_error(
    adapter: ProductProvisioner, product: Control, kind: str
) -> None:
    for put in PUTS.values():
        put(adapter)
    assert len(product.held(kind)) == 1
    DELETES[kind](adapter)
    assert product.held(kind) == []
    DELETES[kind](adapter)


@pytest.mark.parametrize("delete", DELETES.values(), ids=DELETES)
def test_what_was_never_made_can_be_deleted(
    any_provisioner: Provisioner, delete: Callable[[Provisioner], None]
) -> None:
    delete(any_provisioner)


def test_a_deleted_tenant_takes_its_parts_along(adapter: ProductProvisioner, product: Control) -> None:
    for put in PUTS.values():
        put(adapter)
    DELETES["tenant"](adapter)
    assert {kind: product.held(kind) for kind in DELETES if kind != "identity"} == {
        kind: [] for kind in DELETES if kind != "identity"
    }


def test_what_was_deleted_and_is_put_again_has_its_former_id(any_provisioner: Provisioner) -> None:
    """Ids follow from names, so that a sign-up that is tried anew finds its own."""
    before = tenant(any_provisioner)
    DELETES["tenant"](any_provisioner)
    assert tenant(any_provisioner) == before


def test_a_taken_subdomain_gets_a_suffix_and_stays(any_provisioner: Provisioner) -> None:
    assert subdomain(any_provisioner, "acc_1") == "acme"
    second = subdomain(any_provisioner, "acc_2")
    assert second.startswith("acme-")
    assert subdomain(any_provisioner, "acc_2") == second
    assert subdomain(any_provisioner, "acc_2", wanted="other") == second


def test_a_suffixed_name_still_fits_a_dns_label(adapter: ProductProvisioner) -> None:
    first, second = (subdomain(adapter, account, wanted="a" * 63) for account in ("acc_1", "acc_2"))
    assert len(first) == 63 and len(second) <= 63 and first != second


def test_flags_become_exactly_these(adapter: ProductProvisioner, product: Control) -> None:
    tenant_id = tenant(adapter)
    for flags in ({"a": True, "b": False}, {"c": True}):
        adapter.put_flags(tenant_id=tenant_id, flags=flags, correlation_id="c")
    assert product.held("flags")[0]["flags"] == {"c": True}


def test_a_grant_is_given_once_and_another_amount_is_rejected(any_provisioner: Provisioner) -> None:
    tenant_id = tenant(any_provisioner)
    any_provisioner.put_credits(tenant_id=tenant_id, grant="g", amount=5, correlation_id="c")
    with pytest.raises(VendorRejected) as caught:
        any_provisioner.put_credits(tenant_id=tenant_id, grant="g", amount=6, correlation_id="c")
    assert caught.value.code == "grant_used"


def test_the_api_key_itself_is_shown_once_and_never_kept(
    product: Control, adapter: ProductProvisioner
) -> None:
    path, auth = f"/v1/tenants/{tenant(adapter)}/api-keys/default", {"authorization": f"Bearer {KEY}"}
    first, second = (product.call("PUT", path, {}, **auth) for _ in range(2))
    assert (first.status, second.status) == (201, 200)
    assert first.json()["key"].startswith("sk_") and "key" not in second.json()
    assert first.json()["key"] not in str(product.held("api_key"))


def test_the_correlation_id_travels(product: Control, adapter: ProductProvisioner) -> None:
    adapter.put_identity(**ADA, correlation_id="corr-7")
    assert product.held("identity")[0]["correlation_id"] == "corr-7"


@pytest.mark.parametrize(("fault", "unknown"), FAULTS.items())
@pytest.mark.parametrize("path", PUTS)
def test_an_outage_is_vendor_unavailable_and_a_retry_converges(
    adapter: ProductProvisioner, product: Control, path: str, fault: str, unknown: bool
) -> None:
    if path != "/v1/identities/{account_id}":
        tenant(adapter)
    product.fault(f"PUT {path}", fault)
    with pytest.raises(VendorUnavailable) as caught:
        PUTS[path](adapter)
    assert caught.value.outcome_unknown is unknown
    assert caught.value.retry_after == (1.0 if fault == "429" else None)
    assert "canary" not in as_logged(caught.value) and KEY not in as_logged(caught.value)
    assert PUTS[path](adapter) == PUTS[path](adapter)


def test_nobody_listening_is_a_known_outcome() -> None:
    provisioner = ProductProvisioner(api_base=nowhere(), api_key=KEY)
    with pytest.raises(VendorUnavailable) as caught:
        tenant(provisioner)
    provisioner.close()
    assert caught.value.outcome_unknown is False


def test_what_the_product_refuses_is_rejected_without_repeating_it(
    adapter: ProductProvisioner, product: Control
) -> None:
    with pytest.raises(VendorRejected) as caught:
        adapter.put_identity(
            account_id="acc_1", email="not canary", name="Ada", sso_subject=None, correlation_id="c"
        )
    assert (caught.value.code, caught.value.status) == ("invalid_request", 422)
    assert "canary" not in as_logged(caught.value)
    with pytest.raises(VendorRejected, match="check the API key"):
        tenant(ProductProvisioner(api_base=product.url, api_key="other"))
    with pytest.raises(VendorRejected, match="no_such_tenant"):
        adapter.put_flags(tenant_id="ten_gone", flags={}, correlation_id="c")


def test_an_e_mail_address_belongs_to_one_identity(adapter: ProductProvisioner) -> None:
    adapter.put_identity(**ADA, correlation_id="c")
    with pytest.raises(VendorRejected) as caught:
        adapter.put_identity(**ADA | {"account_id": "acc_2"}, correlation_id="c")
    assert caught.value.code == "email_taken"


def test_deleting_a_tenant_takes_its_parts_along_and_can_be_repeated(
    adapter: ProductProvisioner, product: Control
) -> None:
    for put in PUTS.values():
        put(adapter)
    auth = {"authorization": f"Bearer {KEY}"}
    for path in ("/v1/tenants/acc_1", "/v1/identities/acc_1") * 2:
        assert product.call("DELETE", path, **auth).status == 204
    assert not any(product.held(kind) for kind in ("identity", "tenant", "subdomain", "flags", "api_key"))
    assert product.call("GET", "/v1/tenants/acc_1", **auth).status == 404


def test_listings_page_through_everything(adapter: ProductProvisioner, product: Control) -> None:
    for number in range(5):
        tenant(adapter, f"acc_{number}")
    seen, cursor = [], ""
    while True:
        path = f"/v1/tenants?limit=2&cursor={cursor}" if cursor else "/v1/tenants?limit=2"
        page = product.call("GET", path, authorization=f"Bearer {KEY}").json()
        seen += [item["account_id"] for item in page["items"]]
        if not (cursor := page["next_cursor"]):
            break
    assert seen == [f"acc_{number}" for number in range(5)]


def test_what_the_product_holds_survives_a_kill(tmp_path: Path) -> None:
    ids = []
    for end in ("kill", "stop"):
        process = launch("product", data_dir=tmp_path, config=Config(api_key=KEY)).wait_ready()
        provisioner = ProductProvisioner(api_base=process.url, api_key=KEY)
        control = Control(process.url)
        try:
            ids.append(tenant(provisioner))
            assert [each["account_id"] for each in control.held("tenant")] == ["acc_1"]
        finally:
            provisioner.close()
            control.close()
            getattr(process, end)()
    assert ids[0] == ids[1]
