"""Rule entitlements-changed: what is kept of an account's entitlements is read anew by who asks next."""

from usher.bootstrap.entitlements import services
from usher.bootstrap.notices import rule_target
from usher.usecases.forget_entitlements import EntitlementsChanged, forget_entitlements


@rule_target(EntitlementsChanged)
def handler(changed: EntitlementsChanged) -> str:
    s = services()
    return forget_entitlements(changed, standings=s.standings, remembered=s.remembered)
