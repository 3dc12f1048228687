"""Rule signup-succeeded: the operators' channel hears of a new customer, when policy asks for that."""

from usher.bootstrap.notices import rule_target
from usher.bootstrap.telling import services
from usher.usecases.announce_success import AnnounceSuccess, announce_success


@rule_target(AnnounceSuccess, part="payload")
def handler(command: AnnounceSuccess) -> bool:
    s = services()
    return announce_success(command, signups=s.signups, chat=s.chat, policy=s.policy, public_url=s.public_url)
