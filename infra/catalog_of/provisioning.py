"""Functions of the room `provisioning`, which talks to the product's API, and all each may touch."""

from infra.catalog_entries import WAITING_MB, Function


def _calls_the_product(name: str, timeout_seconds: int) -> Function:
    return Function(
        "provisioning",
        name,
        timeout_seconds,
        WAITING_MB,
        tables=(("signups", "change"),),
        secrets=("product_api_key",),
        vendors=("http",),
        addresses=("product_api_base",),
    )


FUNCTIONS = (
    _calls_the_product("revoke_api_key", timeout_seconds=30),
    _calls_the_product("remove_tenant", timeout_seconds=45),
    _calls_the_product("remove_identity", timeout_seconds=20),
    _calls_the_product("provision_link", timeout_seconds=45),
    _calls_the_product("withdraw_link", timeout_seconds=55),
    _calls_the_product("create_identity", timeout_seconds=20),
    _calls_the_product("provision_tenant", timeout_seconds=65),
    _calls_the_product("issue_api_key", timeout_seconds=25),
)
