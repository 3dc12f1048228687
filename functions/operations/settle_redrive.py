"""Rule redrive-ended: the failure whose redrive has just come to a good end leaves the list."""

from usher.bootstrap.mending import services
from usher.bootstrap.notices import rule_target
from usher.usecases.file_failed_execution import ExecutionEnded
from usher.usecases.settle_redrive import settle_redrive


@rule_target(ExecutionEnded)
def handler(ended: ExecutionEnded) -> bool:
    s = services()
    return settle_redrive(ended, s=s.redriving, log=s.log)
