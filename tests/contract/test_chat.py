"""What every Chat promises: SlackChat against the stand-in, and the fake where it applies."""

from collections.abc import Iterator

import pytest

from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import running
from tests.contract.control import FAULTS, Control, as_logged, nowhere
from tests.fakes.vendors import RecordingChat
from usher.adapters.slack_chat import SlackChat
from usher.domain.errors import VendorRejected, VendorUnavailable
from usher.ports.chat import Chat

HOOK = "T1/B1/secret-of-the-hook"
POST = "POST /services/{team}/{bot}/{token}"


@pytest.fixture(scope="module")
def server() -> Iterator[Control]:
    with running("slack", config=Config(api_key=HOOK)) as here:
        control = Control(here.url)
        yield control
        control.close()


@pytest.fixture
def slack(server: Control) -> Iterator[Control]:
    server.call("DELETE", "/_control/objects")
    yield server
    server.call("DELETE", "/_control/faults")


@pytest.fixture
def chat(slack: Control) -> SlackChat:
    return SlackChat(api_base=slack.url, api_key=HOOK, timeout=0.3)


@pytest.mark.parametrize("kind", ["slack", "fake"])
def test_a_post_is_taken(kind: str, chat: SlackChat) -> None:
    under_test: Chat = chat if kind == "slack" else RecordingChat()
    under_test.post(text="Ada signed up", blocks=[{"type": "divider"}])


def test_the_channel_shows_text_and_blocks_inert(chat: SlackChat, slack: Control) -> None:
    chat.post(text="<script>1</script>", blocks=[{"type": "divider"}])
    (message,) = slack.held("message")
    assert (message["text"], message["blocks"]) == ("<script>1</script>", [{"type": "divider"}])
    page = slack.call("GET", "/").data.decode()
    assert "&lt;script&gt;1" in page and "<script>" not in page


@pytest.mark.parametrize(("fault", "unknown"), FAULTS.items())
def test_an_outage_is_vendor_unavailable(chat: SlackChat, slack: Control, fault: str, unknown: bool) -> None:
    slack.fault(POST, fault)
    with pytest.raises(VendorUnavailable) as caught:
        chat.post(text="canary-text")
    assert caught.value.outcome_unknown is unknown
    assert "canary" not in as_logged(caught.value) and "secret-of-the-hook" not in as_logged(caught.value)
    chat.post(text="again")


def test_nobody_listening_is_a_known_outcome() -> None:
    with pytest.raises(VendorUnavailable) as caught:
        SlackChat(api_base=nowhere(), api_key=HOOK).post(text="x")
    assert caught.value.outcome_unknown is False


@pytest.mark.parametrize(("hook", "text", "code"), [("T1/B1/old", "x", "no_service"), (HOOK, "", "no_text")])
def test_a_wrong_hook_or_an_empty_post_is_rejected(slack: Control, hook: str, text: str, code: str) -> None:
    with pytest.raises(VendorRejected) as caught:
        SlackChat(api_base=slack.url, api_key=hook).post(text=text)
    assert caught.value.code == code


def test_more_than_one_post_a_second_is_refused_when_limits_are_on() -> None:
    with running("slack", config=Config(enforce_limits=True, options={"posts_per_second": 1})) as here:
        chat = SlackChat(api_base=here.url, api_key=lambda: HOOK)
        with pytest.raises(VendorUnavailable) as caught:
            for _ in range(20):  # twenty posts take less than 20 s, so at least one is above the rate
                chat.post(text="x")
    assert caught.value.retry_after == 1.0
