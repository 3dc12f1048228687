"""The workflow files as this machine runs them: functions and queues by their names in the catalog."""

from collections.abc import Mapping
from functools import cache

from infra import catalog, state_machine_file


@cache
def documents() -> Mapping[str, state_machine_file.Document]:
    """Every workflow by name, as the files were when a process first asked, for reading only.

    Raises StateMachineFileError when a file cannot be used.
    """
    mapping = {function.step: function.path for function in catalog.FUNCTIONS}
    mapping |= {queue.placeholder: queue.name for queue in catalog.QUEUES}
    return {
        workflow.name: state_machine_file.substitute(state_machine_file.load(workflow.name), mapping)
        for workflow in catalog.WORKFLOWS
    }
