"""What a command cannot do, in one line for the person who typed it."""


class Refused(Exception):
    """The message says what is wrong and what to do. Exit code 2: not started; 1: no success."""

    def __init__(self, message: str, *, exit_code: int = 2) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code
