"""Rule entitlements-changed: what is kept of an account's entitlements is read anew by who asks next."""

from pydantic import BaseModel, ConfigDict

from usher.records.entitlements import Standings
from usher.usecases.remembered_standings import Remembered


class EntitlementsChanged(BaseModel):
    """Any event that may change what an account may do, as far as it matters: whose it is."""

    model_config = ConfigDict(hide_input_in_errors=True, extra="ignore", frozen=True)

    account_id: str


def forget_entitlements(changed: EntitlementsChanged, *, standings: Standings, remembered: Remembered) -> str:
    """`forgotten`, or `unknown` when nothing was kept. Raises StoreUnavailable."""
    kept = standings.forget(changed.account_id)
    remembered.forget(changed.account_id)
    return "forgotten" if kept else "unknown"
