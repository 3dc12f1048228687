"""The product's provisioning API on one machine: identities, tenants, teams (docs/product-api.md)."""

import hmac
import secrets
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.product_bodies import BODIES, NAME, error, id_of
from infra.local.stand_ins.product_teams import Teams
from infra.local.stand_ins.stand_in import Handler, Refusal, StandIn
from infra.local.stand_ins.state import State

PAGE = 100
PARTS = ("subdomain", "flags", "api_key", "credit", "suspension")


class Product(StandIn):
    """Kinds held: identity, tenant, subdomain, flags, api_key, credit, suspension, team.

    A part's owner is the tenant's id.
    """

    def routes(self) -> dict[str, Handler]:
        get_identity, delete_identity = self._named("identity", "usr", "account_id")
        get_tenant, _ = self._named("tenant", "ten", "account_id")
        get_flags, delete_flags = self._named("flags", "flg", "tenant_id")
        get_api_key, delete_api_key = self._named("api_key", "key", "tenant_id", "name")
        get_credits, delete_credits = self._named("credit", "crd", "tenant_id", "grant")
        get_suspension, delete_suspension = self._named("suspension", "sus", "tenant_id")
        self._teams = Teams(self.state, self.clock)
        return self._teams.routes() | {
            "GET /v1/identities": self._list("identity"),
            "PUT /v1/identities/{account_id}": self.put_identity,
            "GET /v1/identities/{account_id}": get_identity,
            "DELETE /v1/identities/{account_id}": delete_identity,
            "GET /v1/tenants": self._list("tenant"),
            "PUT /v1/tenants/{account_id}": self.put_tenant,
            "GET /v1/tenants/{account_id}": get_tenant,
            "DELETE /v1/tenants/{account_id}": self.delete_tenant,
            "PUT /v1/tenants/{tenant_id}/subdomain": self.put_subdomain,
            "GET /v1/tenants/{tenant_id}/subdomain": self.get_subdomain,
            "DELETE /v1/tenants/{tenant_id}/subdomain": self.delete_subdomain,
            "PUT /v1/tenants/{tenant_id}/flags": self.put_flags,
            "GET /v1/tenants/{tenant_id}/flags": get_flags,
            "DELETE /v1/tenants/{tenant_id}/flags": delete_flags,
            "PUT /v1/tenants/{tenant_id}/api-keys/{name}": self.put_api_key,
            "GET /v1/tenants/{tenant_id}/api-keys/{name}": get_api_key,
            "DELETE /v1/tenants/{tenant_id}/api-keys/{name}": delete_api_key,
            "PUT /v1/tenants/{tenant_id}/credits/{grant}": self.put_credits,
            "GET /v1/tenants/{tenant_id}/credits/{grant}": get_credits,
            "DELETE /v1/tenants/{tenant_id}/credits/{grant}": delete_credits,
            "PUT /v1/tenants/{tenant_id}/suspension": self.put_suspension,
            "GET /v1/tenants/{tenant_id}/suspension": get_suspension,
            "DELETE /v1/tenants/{tenant_id}/suspension": delete_suspension,
        }

    def control_routes(self) -> dict[str, Handler]:
        return {"POST /_control/teams": self._teams.seed}

    # -- hooks -----------------------------------------------------------------------------------

    def authenticate(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        wanted = self.config.api_key
        if not token or (wanted is not None and not hmac.compare_digest(token.encode(), wanted.encode())):
            raise Refusal(error(401, "unauthorized", "send the bearer token of the product's API"))

    def limit(self, request: Request) -> None:
        rate = int(self.config.options.get("requests_per_second", 200))
        if self.limits.admit([("all", rate, 1.0)]):
            raise Refusal(self.too_many_requests(request))

    def check_request(self, request: Request) -> None:
        model = BODIES.get(request.operation)
        if not all(map(NAME.fullmatch, request.path_params.values())):
            raise Refusal(error(422, "invalid_name", "a name in the path has characters it may not have"))
        if model is None:
            return
        try:
            model.model_validate_json(request.body)
        except ValidationError as wrong:
            fields = [".".join(map(str, e["loc"])) or "body" for e in wrong.errors(include_input=False)]
            raise Refusal(
                error(422, "invalid_request", "fields are missing, wrong or unknown", fields)
            ) from None

    def not_found(self, request: Request) -> Answer:
        return error(404, "not_found", "no such resource")

    def rejected(self, request: Request) -> Answer:
        return error(422, "invalid_request", "the request was refused")

    def too_many_requests(self, request: Request) -> Answer:
        answer = error(429, "too_many_requests", "slow down")
        answer.headers["retry-after"] = "1"
        return answer

    def server_error(self, request: Request) -> Answer:
        return error(500, "internal", "something broke")

    # -- identities and tenants: named by their account ------------------------------------------

    def put_identity(self, request: Request) -> Any:
        account, wanted = request.path_params["account_id"], request.json()
        email = wanted["email"].lower()
        other = self.state.find("identity", email)
        if other and other["account_id"] != account:
            return error(422, "email_taken", "another account's identity has this e-mail address")
        body = {"email": email, "name": wanted["name"], "sso_subject": wanted.get("sso_subject")}
        value = {"account_id": account, "correlation_id": request.headers.get("x-correlation-id")}
        return self._put("identity", id_of("usr", account), value, body, label=email)

    def put_tenant(self, request: Request) -> Any:
        account, wanted = request.path_params["account_id"], request.json()
        body = {"company": wanted["company"], "plan": wanted["plan"]}
        value = {"account_id": account, "correlation_id": request.headers.get("x-correlation-id")}
        return self._put("tenant", id_of("ten", account), value, body)

    def delete_tenant(self, request: Request) -> Any:
        tenant = id_of("ten", request.path_params["account_id"])
        for kind in PARTS:
            for part in self.state.page(kind, owner=tenant):
                self.state.delete(kind, part["id"])
        return self._delete("tenant", tenant)

    # -- parts of a tenant -----------------------------------------------------------------------

    def put_subdomain(self, request: Request) -> Any:
        tenant, wanted = self._tenant(request), request.json()["wanted"]
        held = self._subdomain(tenant)
        if held:
            return held
        if self.state.get("subdomain", wanted):
            return error(409, "subdomain_taken", "another tenant has this subdomain")
        return self._put("subdomain", wanted, {"tenant_id": tenant}, {"subdomain": wanted}, owner=tenant)

    def get_subdomain(self, request: Request) -> Any:
        return self._subdomain(request.path_params["tenant_id"]) or self.not_found(request)

    def delete_subdomain(self, request: Request) -> Any:
        held = self._subdomain(request.path_params["tenant_id"])
        return self._delete("subdomain", held["id"]) if held else Answer(204)

    def put_flags(self, request: Request) -> Any:
        tenant, body = self._tenant(request), {"flags": request.json()["flags"]}
        return self._put("flags", id_of("flg", tenant), {"tenant_id": tenant}, body, owner=tenant)

    def put_api_key(self, request: Request) -> Any:
        tenant, name = self._tenant(request), request.path_params["name"]
        key = id_of("key", tenant, name)
        answer = self._put("api_key", key, {"tenant_id": tenant}, {"name": name}, owner=tenant)
        if answer.status == 201:  # the key itself is shown this once and not kept
            return Answer.of(answer.json() | {"key": f"sk_{secrets.token_hex(24)}"}, 201)
        return answer

    def put_credits(self, request: Request) -> Any:
        tenant, grant = self._tenant(request), request.path_params["grant"]
        amount = request.json()["amount"]
        held = self.state.get("credit", id_of("crd", tenant, grant))
        if held and held["amount"] != amount:
            return error(422, "grant_used", "this grant was given with another amount")
        value = {"tenant_id": tenant, "grant": grant}
        return self._put("credit", id_of("crd", tenant, grant), value, {"amount": amount}, owner=tenant)

    def put_suspension(self, request: Request) -> Any:
        tenant, body = self._tenant(request), {"reason": request.json()["reason"]}
        return self._put("suspension", id_of("sus", tenant), {"tenant_id": tenant}, body, owner=tenant)

    # -- shared ----------------------------------------------------------------------------------

    def _put(
        self,
        kind: str,
        id: str,
        value: dict[str, Any],
        body: dict[str, Any],
        *,
        owner: str | None = None,
        label: str | None = None,
    ) -> Answer:
        """Create the object or change what `body` says; a repeat writes nothing."""
        held = self.state.get(kind, id)
        if held and all(held[field] == wanted for field, wanted in body.items()):
            return Answer.of(held)
        changed = (held or {"id": id, "created": int(self.clock.now())} | value) | body
        self.state.put(kind, changed, owner=owner, label=label)
        return Answer.of(changed, 200 if held else 201)

    def _delete(self, kind: str, id: str) -> Answer:
        """Remove what is there; deleting what is gone is no error and no effect."""
        if self.state.get(kind, id):
            self.state.delete(kind, id)
        return Answer(204)

    def _named(self, kind: str, prefix: str, *names: str) -> tuple[Handler, Handler]:
        """GET and DELETE of objects whose id follows from these path parameters."""

        def get(request: Request) -> Any:
            id = id_of(prefix, *(request.path_params[name] for name in names))
            return self.state.get(kind, id) or self.not_found(request)

        def delete(request: Request) -> Any:
            return self._delete(kind, id_of(prefix, *(request.path_params[name] for name in names)))

        return get, delete

    def _list(self, kind: str) -> Handler:
        def listing(request: Request) -> Any:
            limit = min(int(request.query.get("limit") or PAGE), PAGE)
            after = request.query.get("cursor")
            found = self.state.page(kind, after=after, limit=limit + 1, oldest_first=True)
            page = found[:limit]
            return {"items": page, "next_cursor": page[-1]["id"] if len(found) > limit else None}

        return listing

    def _tenant(self, request: Request) -> str:
        tenant = request.path_params["tenant_id"]
        if not self.state.get("tenant", tenant):
            raise Refusal(error(404, "no_such_tenant", "no tenant has this id"))
        return tenant

    def _subdomain(self, tenant: str) -> dict[str, Any] | None:
        return next(iter(self.state.page("subdomain", owner=tenant, limit=1)), None)


def create(state: State, config: Config, data_dir: Path | None) -> Product:
    """Options: requests_per_second (200)."""
    return Product(state, config, data_dir)
