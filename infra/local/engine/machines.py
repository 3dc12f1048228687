"""Registered workflows: by name for new executions, by digest for those that began with an older text."""

import contextlib
import json
from pathlib import Path

from infra.local.engine.definition import Machine, Scope, State, compile_machine
from infra.local.engine.errors import StateMachineDoesNotExist
from infra.local.engine.journal import Journal
from infra.state_machine_file import Document

_STORED = Path("(stored definition)")


class Machines:
    """Every text a workflow ever had stays in the journal, so an execution ends on the text it began with."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._by_name: dict[str, Machine] = {}
        self._by_digest: dict[str, Machine] = {}

    def register(self, name: str, document: Document) -> None:
        """Raises StateMachineFileError for what is not supported."""
        machine = compile_machine(name, document)
        self._journal.define(machine.digest, name, machine.text)
        self._by_name[name] = self._by_digest[machine.digest] = machine

    def named(self, name: str) -> Machine:
        """The newest text under a name. Raises StateMachineDoesNotExist."""
        machine = self._by_name.get(name)
        if machine is None:
            raise StateMachineDoesNotExist(f"no workflow is registered as {name!r}")
        return machine

    def of_digest(self, digest: str) -> Machine:
        """The text an execution began with; a `#` leads to the items of a distributed Map inside it."""
        machine = self._by_digest.get(digest)
        if machine is None:
            base, _, state = digest.partition("#")
            if state:
                parent = self.of_digest(base)
                return self.of_items(parent, _find(parent.scope, state))
            name, text = self._journal.definition(digest)
            machine = compile_machine(name, Document(json.loads(text), _STORED, {}))
            self._by_digest[digest] = machine
        return machine

    def of_items(self, machine: Machine, state: State) -> Machine:
        """The workflow that each item of a distributed Map runs, named after the Map's label."""
        digest = f"{machine.digest}#{state.name}"
        label = str(state.body.get("Label", state.name)).replace(" ", "-")[:40]
        items = Machine(f"{machine.name}.{label}", state.branches[0], None, digest, "")
        return self._by_digest.setdefault(digest, items)


def _find(scope: Scope, name: str) -> State:
    for state in scope.states.values():
        if state.name == name:
            return state
        for inner in state.branches:
            with contextlib.suppress(LookupError):
                return _find(inner, name)
    raise LookupError(name)
