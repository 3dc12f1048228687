"""Rule onboarding-failed: an execution that ended badly by itself is filed on its sign-up."""

from usher.bootstrap.notices import rule_target
from usher.bootstrap.telling import services
from usher.usecases.file_failed_execution import ExecutionEnded, file_failed_execution


@rule_target(ExecutionEnded)
def handler(ended: ExecutionEnded) -> bool:
    s = services()
    return file_failed_execution(
        ended, signups=s.signups, log=s.log, chat=s.chat, clock=s.clock, public_url=s.public_url
    )
