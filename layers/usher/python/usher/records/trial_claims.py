"""Claims to a trial: one per person, known by e-mail without alias and by card."""

from collections.abc import Mapping

from usher.domain.errors import StaleWrite
from usher.domain.onboarding import REOPENABLE
from usher.ports.store import Absent, ConditionFailed, Equals, Item, Put, Store, Write
from usher.records import signups

TABLE = "claims"
_TRIES = 4


class TrialClaims:
    """Rows of the table `claims`, by the keys of `domain.trials`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, signup_id: str, keys: Mapping[str, str], *, even_if_had: bool) -> tuple[str, ...]:
        """Claim a trial for the sign-up; returns by which of `keys` (kind to key) it had one before.

        Then nothing is claimed, unless `even_if_had`, and then what nobody holds. A claim of a sign-up that
        came to nothing is free: that trial never was.
        """
        for _ in range(_TRIES):
            rows = {kind: self._store.get(TABLE, {"claim": key}) for kind, key in keys.items()}
            had = tuple(kind for kind, row in rows.items() if self._is_held(row, signup_id))
            if had and not even_if_had:
                return had
            claims: list[Write] = [
                Put(
                    TABLE,
                    {"claim": keys[kind], "signup_id": signup_id},
                    if_=Equals("signup_id", row["signup_id"]) if row else Absent("claim"),
                )
                for kind, row in rows.items()
                if kind not in had
            ]
            try:
                self._store.transact(claims)
                return had
            except ConditionFailed:
                continue  # somebody claimed at this moment: look again
        raise StaleWrite("a claim to a trial stayed contended; try the step again")

    def _is_held(self, row: Item | None, signup_id: str) -> bool:
        if row is None or row["signup_id"] == signup_id:
            return False
        holder = self._store.get(signups.TABLE, {"signup_id": row["signup_id"]})
        return holder is not None and holder["status"] not in REOPENABLE
