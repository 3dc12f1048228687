"""Schedule mend-failures: redrives are settled, and what an outage left undone is tried again."""

from usher.bootstrap.mending import not_mended, services
from usher.bootstrap.notices import scheduled
from usher.usecases.mend_failures import mend_failures


@scheduled
def handler() -> int:
    s = services()
    return mend_failures(s=s.redriving, log=s.log, policy=s.policy, on_error=not_mended)
