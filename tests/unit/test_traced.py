"""Which functions record traces: what executions run, and nothing that begins traces of its own."""

from infra import catalog
from infra.traced import traced


def test_steps_and_collectors_are_traced() -> None:
    assert {"onboarding/register_signup", "billing/create_subscription", "crm/sync_crm"} <= traced()
    assert "mail/send_welcome_mail" in traced()


def test_what_webhooks_streams_and_rules_call_begins_no_trace() -> None:
    begun = {route.function for route in catalog.ROUTES} | {rule.consumer for rule in catalog.RULES}
    begun |= {stream.consumer for stream in catalog.STREAMS} | {s.consumer for s in catalog.SCHEDULES}
    workflows_own = {"reconciliation/start_reconciliation"}
    assert traced() & begun <= workflows_own
    assert traced() <= {entry.path for entry in catalog.FUNCTIONS}
