"""Consumer of the queue `notices`: one mail to one person, sent once."""

from usher.bootstrap.consumers import queue_consumer
from usher.bootstrap.mail import services
from usher.usecases.send_notice import SendNotice, send_notice


@queue_consumer(SendNotice, key="[notice, signup_id, round, visit]")
def handler(command: SendNotice) -> str:
    return send_notice(command, notices=services().notices)
