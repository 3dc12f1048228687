"""What every Mailer promises: PostmarkMail against the stand-in, and the fake where it applies (D5)."""

from collections.abc import Iterator

import pytest

from infra import mail_templates
from infra.local.stand_ins.config import Config
from infra.local.stand_ins.serve import running
from tests.contract.control import FAULTS, Control, as_logged, nowhere
from tests.fakes.vendors import RecordingMailer
from usher.adapters.postmark_mail import PostmarkMail, PostmarkTemplates
from usher.domain.errors import VendorRejected, VendorUnavailable
from usher.ports.mail import Mail, Mailer

KEY = "server-token"
SEND = "POST /email/withTemplate"
SEND_MANY = "POST /email/batchWithTemplates"
WELCOME = Mail(
    mail_id="welcome/su_1",
    to="ada@canary.example",
    template="welcome",
    stream="outbound",
    tag="welcome",
    model={
        "name": "Ada <b>Lovelace</b>",
        "company": "Acme",
        "plan": "pro-monthly",
        "product_url": "https://app.example.com",
        "subdomain": "acme",
    },
    correlation_id="corr-7",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Control]:
    with running("postmark", config=Config(api_key=KEY)) as here:
        control = Control(here.url)
        yield control
        control.close()


@pytest.fixture
def postmark(server: Control) -> Iterator[Control]:
    server.call("DELETE", "/_control/objects")
    templates = PostmarkTemplates(api_base=server.url, api_key=KEY)
    mail_templates.push(templates, mail_templates.read())
    templates.close()
    yield server
    server.call("DELETE", "/_control/faults")
    server.call("POST", "/_control/index", {"lag_seconds": 0})


@pytest.fixture
def adapter(postmark: Control) -> Iterator[PostmarkMail]:
    mailer = PostmarkMail(api_base=postmark.url, api_key=lambda: KEY, sender="hello@example.com", timeout=0.3)
    yield mailer
    mailer.close()


@pytest.fixture(params=["postmark", "fake"])
def mailer(request: pytest.FixtureRequest, adapter: PostmarkMail) -> Mailer:
    return adapter if request.param == "postmark" else RecordingMailer()


def test_a_mail_that_was_sent_is_found_under_our_id(mailer: Mailer) -> None:
    message_id = mailer.send(WELCOME)
    assert mailer.find(WELCOME.mail_id) == message_id
    assert mailer.find("welcome/su_2") is None


def test_the_mail_carries_template_stream_tag_and_ids(adapter: PostmarkMail, postmark: Control) -> None:
    adapter.send(WELCOME)
    (message,) = postmark.held("message")
    assert message["Recipients"] == ["ada@canary.example"] and message["From"] == "hello@example.com"
    assert (message["MessageStream"], message["Tag"]) == ("outbound", "welcome")
    assert message["Metadata"] == {"mail_id": "welcome/su_1", "correlation_id": "corr-7"}
    assert message["Subject"] == "Welcome aboard, Ada <b>Lovelace</b>: Acme is ready"


def test_names_are_inert_in_html_and_plain_in_text(adapter: PostmarkMail, postmark: Control) -> None:
    adapter.send(WELCOME)
    (message,) = postmark.held("message")
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt;" in message["HtmlBody"] and "<b>" not in message["HtmlBody"]
    for value in ("Ada <b>Lovelace</b>", "Acme", "pro-monthly", "https://app.example.com", "acme"):
        assert value in message["TextBody"]
    assert "{{" not in message["TextBody"] + message["HtmlBody"]


def test_people_can_read_the_mails(adapter: PostmarkMail, postmark: Control) -> None:
    message_id = adapter.send(WELCOME)
    listing = postmark.call("GET", "/").data.decode()
    assert "ada@canary.example" in listing and "Welcome aboard" in listing
    page = postmark.call("GET", f"/messages/{message_id}").data.decode()
    assert "<iframe sandbox srcdoc=" in page and "Everything for Acme is set up" in page


def test_search_lags_behind_sending(adapter: PostmarkMail, postmark: Control) -> None:
    postmark.call("POST", "/_control/index", {"lag_seconds": 3600})
    message_id = adapter.send(WELCOME)
    assert adapter.find(WELCOME.mail_id) is None
    postmark.call("POST", "/_control/index", {"lag_seconds": 0})
    assert adapter.find(WELCOME.mail_id) == message_id


@pytest.mark.parametrize(("fault", "unknown"), FAULTS.items())
def test_an_outage_is_vendor_unavailable(
    adapter: PostmarkMail, postmark: Control, fault: str, unknown: bool
) -> None:
    postmark.fault(SEND, fault)
    with pytest.raises(VendorUnavailable) as caught:
        adapter.send(WELCOME)
    assert caught.value.outcome_unknown is unknown
    assert "canary" not in as_logged(caught.value) and KEY not in as_logged(caught.value)
    done = fault in ("fail_after", "timeout_after", "malformed")
    assert (adapter.find(WELCOME.mail_id) is not None) is done


@pytest.mark.parametrize("fault", FAULTS)
def test_a_search_that_fails_is_not_an_empty_answer(
    adapter: PostmarkMail, postmark: Control, fault: str
) -> None:
    adapter.send(WELCOME)
    postmark.fault("GET /messages/outbound", fault)
    with pytest.raises(VendorUnavailable) as caught:
        adapter.find(WELCOME.mail_id)
    assert caught.value.outcome_unknown is False


def test_nobody_listening_is_a_known_outcome() -> None:
    mailer = PostmarkMail(api_base=nowhere(), api_key=KEY, sender="hello@example.com")
    with pytest.raises(VendorUnavailable) as caught:
        mailer.send(WELCOME)
    mailer.close()
    assert caught.value.outcome_unknown is False


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "canary at example"}, "300"),
        ({"template": "gone"}, "1101"),
        ({"stream": "gone"}, "1235"),
        ({"mail_id": "canary" * 20}, "300"),
    ],
)
def test_what_postmark_refuses_is_rejected_with_its_code(
    adapter: PostmarkMail, change: dict[str, str], code: str
) -> None:
    with pytest.raises(VendorRejected) as caught:
        adapter.send(WELCOME.model_copy(update=change))
    assert (caught.value.code, caught.value.status) == (code, 422)
    assert "canary" not in as_logged(caught.value)


def test_a_suppressed_address_is_rejected_as_inactive(adapter: PostmarkMail, postmark: Control) -> None:
    body = {"Suppressions": [{"EmailAddress": WELCOME.to}]}
    token = {"x-postmark-server-token": KEY}
    assert postmark.call("POST", "/message-streams/outbound/suppressions", body, **token).status == 200
    with pytest.raises(VendorRejected) as caught:
        adapter.send(WELCOME)
    assert caught.value.code == "406" and "canary" not in as_logged(caught.value)


def test_a_wrong_token_is_rejected(postmark: Control) -> None:
    mailer = PostmarkMail(api_base=postmark.url, api_key="other", sender="hello@example.com")
    with pytest.raises(VendorRejected, match="check the API key"):
        mailer.send(WELCOME)
    mailer.close()


def test_a_batch_answers_each_mail_and_takes_five_hundred(postmark: Control) -> None:
    token = {"x-postmark-server-token": KEY}
    good = {"From": "a@example.com", "To": "b@example.com", "TemplateAlias": "welcome", "TemplateModel": {}}
    batch = {"Messages": [good, good | {"To": "nobody"}, good | {"Unknown": 1}]}
    answers = postmark.call("POST", "/email/batchWithTemplates/", batch, **token).json()
    assert [answer["ErrorCode"] for answer in answers] == [0, 300, 300]
    too_many = postmark.call("POST", "/email/batchWithTemplates/", {"Messages": [good] * 501}, **token)
    assert (too_many.status, too_many.json()["ErrorCode"]) == (422, 410)


def numbered(*numbers: int, **changes: str) -> list[Mail]:
    return [WELCOME.model_copy(update={"mail_id": f"welcome/su_{n}", **changes}) for n in numbers]


def test_many_mails_that_were_sent_are_each_found_under_their_id(mailer: Mailer) -> None:
    mails = numbered(*range(5))
    sent = mailer.send_many(mails)
    assert [mailer.find(mail.mail_id) for mail in mails] == sent
    assert len({str(message_id) for message_id in sent}) == 5
    assert mailer.send_many([]) == []


def test_five_hundred_mails_take_one_call(adapter: PostmarkMail, postmark: Control) -> None:
    calls = postmark.calls()
    sent = PostmarkMail(api_base=postmark.url, api_key=KEY, sender="hello@example.com")
    outcomes = sent.send_many(numbered(*range(501)))
    sent.close()
    assert postmark.calls() - calls == 2
    assert len({outcome for outcome in outcomes if isinstance(outcome, str)}) == 501


def test_one_bad_mail_of_many_spoils_no_other(adapter: PostmarkMail) -> None:
    bad = [*numbered(1, to="canary at example"), *numbered(3, template="gone")]
    outcomes = adapter.send_many([*numbered(0), bad[0], *numbered(2), bad[1]])
    assert [isinstance(outcome, str) for outcome in outcomes] == [True, False, True, False]
    refused = [outcome for outcome in outcomes if isinstance(outcome, VendorRejected)]
    assert [error.code for error in refused] == ["300", "1101"]
    assert "canary" not in as_logged(refused[0])


@pytest.mark.parametrize(("fault", "unknown"), FAULTS.items())
def test_what_is_unknown_of_a_call_is_unknown_of_each_of_its_mails(
    adapter: PostmarkMail, postmark: Control, fault: str, unknown: bool
) -> None:
    postmark.fault(SEND_MANY, fault)
    outcomes = adapter.send_many(numbered(0, 1, 2))
    found = [isinstance(each, VendorUnavailable) and each.outcome_unknown for each in outcomes]
    assert found == [unknown] * 3
    done = fault in ("fail_after", "timeout_after", "malformed")
    assert [adapter.find(mail.mail_id) is not None for mail in numbered(0, 1, 2)] == [done] * 3


def test_a_call_that_is_refused_whole_is_split_until_the_bad_mail_is_alone(
    adapter: PostmarkMail, postmark: Control
) -> None:
    postmark.fault(SEND_MANY, "400", count=3)
    outcomes = adapter.send_many(numbered(*range(4)))
    assert [isinstance(each, VendorRejected) for each in outcomes] == [True, False, False, False]
    assert len(postmark.held("message")) == 3


def test_many_mails_with_a_wrong_token_cost_one_call(postmark: Control) -> None:
    mailer = PostmarkMail(api_base=postmark.url, api_key="other", sender="hello@example.com")
    calls = postmark.calls()
    outcomes = mailer.send_many(numbered(*range(8)))
    mailer.close()
    assert all(isinstance(outcome, VendorRejected) for outcome in outcomes)
    assert postmark.calls() - calls == 1


def test_pushing_a_template_again_changes_nothing_and_a_new_text_does(postmark: Control) -> None:
    templates = PostmarkTemplates(api_base=postmark.url, api_key=KEY)
    effects = postmark.effects()
    assert mail_templates.push(templates, mail_templates.read()) == []
    assert postmark.effects() == effects
    assert templates.push("welcome", name="Welcome", subject="Hi", html="<p>Hi</p>", text="Hi")
    with pytest.raises(VendorRejected) as caught:
        templates.push("broken", name="Broken", subject="{{#a}}", html="<p>Hi</p>", text="Hi")
    templates.close()
    assert caught.value.code == "1122"
