"""The product's provisioning API on one machine: identities, tenants, their parts (docs/product-api.md)."""

import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.stand_in import Handler, Refusal, StandIn
from infra.local.stand_ins.state import State

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,127}")
Name = Annotated[str, Field(pattern=f"^{_NAME.pattern}$")]
Text = Annotated[str, Field(min_length=1, max_length=256)]
PAGE = 100
PARTS = ("subdomain", "flags", "api_key", "credit")


class Identity(BaseModel):
    """Body of PUT /v1/identities/{account_id}."""

    model_config = ConfigDict(extra="forbid")
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    name: Text
    sso_subject: Text | None = None


class Tenant(BaseModel):
    """Body of PUT /v1/tenants/{account_id}."""

    model_config = ConfigDict(extra="forbid")
    company: Text
    plan: Name


class Subdomain(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/subdomain."""

    model_config = ConfigDict(extra="forbid")
    wanted: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?$")]


class Flags(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/flags."""

    model_config = ConfigDict(extra="forbid")
    flags: dict[Name, StrictBool]


class Nothing(BaseModel):
    """An empty body."""

    model_config = ConfigDict(extra="forbid")


class Credits(BaseModel):
    """Body of PUT /v1/tenants/{tenant_id}/credits/{grant}."""

    model_config = ConfigDict(extra="forbid")
    amount: Annotated[StrictInt, Field(gt=0, le=10**12)]


_BODIES: dict[str, type[BaseModel]] = {
    "PUT /v1/identities/{account_id}": Identity,
    "PUT /v1/tenants/{account_id}": Tenant,
    "PUT /v1/tenants/{tenant_id}/subdomain": Subdomain,
    "PUT /v1/tenants/{tenant_id}/flags": Flags,
    "PUT /v1/tenants/{tenant_id}/api-keys/{name}": Nothing,
    "PUT /v1/tenants/{tenant_id}/credits/{grant}": Credits,
}


class Product(StandIn):
    """Kinds held: identity, tenant, subdomain, flags, api_key, credit. A part's owner is the tenant's id."""

    def routes(self) -> dict[str, Handler]:
        get_identity, delete_identity = self._named("identity", "usr", "account_id")
        get_tenant, _ = self._named("tenant", "ten", "account_id")
        get_flags, delete_flags = self._named("flags", "flg", "tenant_id")
        get_api_key, delete_api_key = self._named("api_key", "key", "tenant_id", "name")
        get_credits, delete_credits = self._named("credit", "crd", "tenant_id", "grant")
        return {
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
        }

    # -- hooks -----------------------------------------------------------------------------------

    def authenticate(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        wanted = self.config.api_key
        if not token or (wanted is not None and not hmac.compare_digest(token.encode(), wanted.encode())):
            raise Refusal(_error(401, "unauthorized", "send the bearer token of the product's API"))

    def limit(self, request: Request) -> None:
        rate = int(self.config.options.get("requests_per_second", 200))
        if self.limits.admit([("all", rate, 1.0)]):
            raise Refusal(self.too_many_requests(request))

    def check_request(self, request: Request) -> None:
        model = _BODIES.get(request.operation)
        if not all(map(_NAME.fullmatch, request.path_params.values())):
            raise Refusal(_error(422, "invalid_name", "a name in the path has characters it may not have"))
        if model is None:
            return
        try:
            model.model_validate_json(request.body)
        except ValidationError as error:
            fields = [".".join(map(str, e["loc"])) or "body" for e in error.errors(include_input=False)]
            raise Refusal(
                _error(422, "invalid_request", "fields are missing, wrong or unknown", fields)
            ) from None

    def not_found(self, request: Request) -> Answer:
        return _error(404, "not_found", "no such resource")

    def rejected(self, request: Request) -> Answer:
        return _error(422, "invalid_request", "the request was refused")

    def too_many_requests(self, request: Request) -> Answer:
        answer = _error(429, "too_many_requests", "slow down")
        answer.headers["retry-after"] = "1"
        return answer

    def server_error(self, request: Request) -> Answer:
        return _error(500, "internal", "something broke")

    # -- identities and tenants: named by their account ------------------------------------------

    def put_identity(self, request: Request) -> Any:
        account, wanted = request.path_params["account_id"], request.json()
        email = wanted["email"].lower()
        other = self.state.find("identity", email)
        if other and other["account_id"] != account:
            return _error(422, "email_taken", "another account's identity has this e-mail address")
        body = {"email": email, "name": wanted["name"], "sso_subject": wanted.get("sso_subject")}
        value = {"account_id": account, "correlation_id": request.headers.get("x-correlation-id")}
        return self._put("identity", _id("usr", account), value, body, label=email)

    def put_tenant(self, request: Request) -> Any:
        account, wanted = request.path_params["account_id"], request.json()
        body = {"company": wanted["company"], "plan": wanted["plan"]}
        value = {"account_id": account, "correlation_id": request.headers.get("x-correlation-id")}
        return self._put("tenant", _id("ten", account), value, body)

    def delete_tenant(self, request: Request) -> Any:
        tenant = _id("ten", request.path_params["account_id"])
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
            return _error(409, "subdomain_taken", "another tenant has this subdomain")
        return self._put("subdomain", wanted, {"tenant_id": tenant}, {"subdomain": wanted}, owner=tenant)

    def get_subdomain(self, request: Request) -> Any:
        return self._subdomain(request.path_params["tenant_id"]) or self.not_found(request)

    def delete_subdomain(self, request: Request) -> Any:
        held = self._subdomain(request.path_params["tenant_id"])
        return self._delete("subdomain", held["id"]) if held else Answer(204)

    def put_flags(self, request: Request) -> Any:
        tenant, body = self._tenant(request), {"flags": request.json()["flags"]}
        return self._put("flags", _id("flg", tenant), {"tenant_id": tenant}, body, owner=tenant)

    def put_api_key(self, request: Request) -> Any:
        tenant, name = self._tenant(request), request.path_params["name"]
        key = _id("key", tenant, name)
        answer = self._put("api_key", key, {"tenant_id": tenant}, {"name": name}, owner=tenant)
        if answer.status == 201:  # the key itself is shown this once and not kept
            return Answer.of(answer.json() | {"key": f"sk_{secrets.token_hex(24)}"}, 201)
        return answer

    def put_credits(self, request: Request) -> Any:
        tenant, grant = self._tenant(request), request.path_params["grant"]
        amount = request.json()["amount"]
        held = self.state.get("credit", _id("crd", tenant, grant))
        if held and held["amount"] != amount:
            return _error(422, "grant_used", "this grant was given with another amount")
        value = {"tenant_id": tenant, "grant": grant}
        return self._put("credit", _id("crd", tenant, grant), value, {"amount": amount}, owner=tenant)

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
            id = _id(prefix, *(request.path_params[name] for name in names))
            return self.state.get(kind, id) or self.not_found(request)

        def delete(request: Request) -> Any:
            return self._delete(kind, _id(prefix, *(request.path_params[name] for name in names)))

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
            raise Refusal(_error(404, "no_such_tenant", "no tenant has this id"))
        return tenant

    def _subdomain(self, tenant: str) -> dict[str, Any] | None:
        return next(iter(self.state.page("subdomain", owner=tenant, limit=1)), None)


def _id(prefix: str, *names: str) -> str:
    """An id that depends on nothing but the names, so that making an object again gives it back its id."""
    return f"{prefix}_" + hashlib.sha256("/".join((prefix, *names)).encode()).hexdigest()[:20]


def _error(status: int, code: str, message: str, fields: list[str] | None = None) -> Answer:
    error = {"code": code, "message": message} | ({"fields": fields} if fields else {})
    return Answer(status, json.dumps({"error": error}).encode(), {"content-type": "application/json"})


def create(state: State, config: Config, data_dir: Path | None) -> Product:
    """Options: requests_per_second (200)."""
    return Product(state, config, data_dir)
