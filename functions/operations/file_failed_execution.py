"""Rule onboarding-failed: an execution that ended badly by itself is filed where a person sees it."""

from usher.bootstrap.filing import services
from usher.bootstrap.notices import rule_target
from usher.usecases.failed_runs import file_failed_run
from usher.usecases.file_failed_execution import ExecutionEnded, file_failed_execution


@rule_target(ExecutionEnded)
def handler(ended: ExecutionEnded) -> bool:
    s = services()
    if file_failed_run(ended, runs=s.runs, failures=s.failures, clock=s.clock):
        return True
    return file_failed_execution(ended, signups=s.signups, log=s.log, failures=s.failures, clock=s.clock)
