"""Teams of the product: found by phone, made for an account, or linked to one when they were there before."""

import secrets
from typing import Any

from pydantic import ValidationError

from infra.local.stand_ins.clock import StandInClock
from infra.local.stand_ins.http import Answer, Request
from infra.local.stand_ins.product_bodies import PHONE, Team, error, id_of
from infra.local.stand_ins.stand_in import Handler
from infra.local.stand_ins.state import Object, State

PAGE = 100


class Teams:
    """Kind `team`; its owner is the account it is linked to, its label its phone."""

    def __init__(self, state: State, clock: StandInClock) -> None:
        self._state, self._clock = state, clock

    def routes(self) -> dict[str, Handler]:
        """Handlers by operation."""
        return {
            "GET /v1/teams": self.list_all,
            "PUT /v1/teams/{account_id}": self.put,
            "GET /v1/teams/{account_id}": self.get,
            "DELETE /v1/teams/{account_id}": self.delete,
            "PUT /v1/teams/{team_id}/link": self.link,
            "DELETE /v1/teams/{team_id}/link": self.unlink,
        }

    def seed(self, request: Request) -> Any:
        """`POST /_control/teams {"teams": [{name, phone, email?}]}`: teams that nobody linked yet."""
        try:
            wanted = [Team.model_validate(each) for each in request.json()["teams"]]
        except ValidationError as wrong:
            raise ValueError(f"{wrong.error_count()} wrong fields: a team has name, phone, email?") from wrong
        with self._state.transaction():
            made = [self._save(self._new(f"team_{secrets.token_hex(10)}", each)) for each in wanted]
        return {"items": made}

    def list_all(self, request: Request) -> Any:
        phone, after = request.query.get("phone"), request.query.get("cursor")
        if phone is not None and not PHONE.fullmatch(phone):
            return error(422, "invalid_request", "phone is written in E.164, its plus sign as %2B", ["phone"])
        limit = min(int(request.query.get("limit") or PAGE), PAGE)
        found = self._state.page("team", label=phone, after=after, limit=limit + 1, oldest_first=True)
        more = found[limit - 1]["id"] if len(found) > limit else None
        return {"items": found[:limit], "next_cursor": more}

    def put(self, request: Request) -> Any:
        account = request.path_params["account_id"]
        wanted = Team.model_validate_json(request.body)
        held = self._of(account)
        if held is None:
            made = self._new(id_of("team", account), wanted) | {"account_id": account}
            return Answer.of(self._save(made), 201)
        if held["id"] != id_of("team", account):
            return error(409, "team_linked", "this account has a team that was there before: unlink it first")
        changed = held | wanted.model_dump()
        return held if changed == held else self._save(changed)

    def get(self, request: Request) -> Any:
        held = self._of(request.path_params["account_id"])
        return held or error(404, "not_found", "this account has no team")

    def delete(self, request: Request) -> Any:
        """What PUT made goes; a team that was there before stays and is only unlinked."""
        account = request.path_params["account_id"]
        held = self._of(account)
        if held and held["id"] == id_of("team", account):
            self._state.delete("team", held["id"])
        elif held:
            self._save(held | {"account_id": None})
        return Answer(204)

    def link(self, request: Request) -> Any:
        team = self._state.get("team", request.path_params["team_id"])
        account = request.json()["account_id"]
        if team is None:
            return error(404, "no_such_team", "no team has this id")
        if team["account_id"] == account:
            return team
        if team["account_id"]:
            return error(409, "team_taken", "the team is linked to another account")
        if self._of(account):
            return error(409, "account_has_team", "the account has another team")
        return Answer.of(self._save(team | {"account_id": account}), 201)

    def unlink(self, request: Request) -> Any:
        team = self._state.get("team", request.path_params["team_id"])
        if team and team["account_id"]:
            self._save(team | {"account_id": None})
        return Answer(204)

    def _of(self, account: str) -> Object | None:
        return next(iter(self._state.page("team", owner=account, limit=1)), None)

    def _new(self, id: str, wanted: Team) -> Object:
        created = int(self._clock.now())
        return {"id": id, "account_id": None, "created": created} | wanted.model_dump()

    def _save(self, team: Object) -> Object:
        self._state.put("team", team, owner=team["account_id"], label=team["phone"])
        return team
