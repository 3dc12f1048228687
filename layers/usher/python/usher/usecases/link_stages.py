"""Stages of an onboarding by payment link: each is reached once, with its moment and its event."""

from dataclasses import dataclass
from datetime import datetime

from usher.domain import times
from usher.domain.event import Event
from usher.domain.onboarding_events import OnboardingStageChanged
from usher.domain.payment_links import STAGES, Stage
from usher.ports.store import Absent, Condition, Item
from usher.records.signups import LinkOnboarding, stage_attribute


@dataclass(frozen=True, slots=True)
class Moved:
    """What reaching a stage puts on the record, under which condition, and what is told of it."""

    values: Item
    condition: Condition
    events: list[Event]


def reaching(
    link: LinkOnboarding, stage: Stage, *, now: datetime, at: datetime | None = None
) -> Moved | None:
    """What it takes to note that the stage was reached (`at` that moment, else now); None: it was before.

    A stage that is told late, after one that follows it, gets its moment and moves nothing back.
    """
    if stage in link.stages:
        return None
    values: Item = {stage_attribute(stage): times.text(at or now)}
    if not any(later in link.stages for later in STAGES[STAGES.index(stage) + 1 :]):
        values["stage"] = stage
    return Moved(values, Absent(stage_attribute(stage)), [changed(link, stage)])


def changed(link: LinkOnboarding, stage: str) -> Event:
    """The event that tells of a stage."""
    return OnboardingStageChanged(
        signup_id=link.signup_id, stage=stage, former_stage=link.stage, team=link.team_id
    )
