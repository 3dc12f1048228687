"""The kinds of entries the catalog lists: what a thing needs, not how it is built."""

from dataclasses import dataclass
from typing import Literal

# What a function may do in a table, each level with the former one's rights: append puts new items, change
# updates them too, all deletes as well.
Access = Literal["read", "append", "change", "all"]
Address = Literal["public_url", "product_api_base"]  # settings that whoever deploys a stage must give
Option = Literal["cognito_issuer", "cognito_client_ids", "beta_phase"]  # settings that they may leave out

# For a function that mostly waits for a vendor while nobody waits for it: memory is paid by the second, and
# with SDK and clients they take 70 MB at most (ADR 0090).
WAITING_MB = 256


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index; sparse when few items carry its attributes.

    `projects` names the attributes it holds besides keys: () keys alone, None all of them. What it does not
    hold, a query by it does not answer; a write that changes nothing it holds does not cost it anything.
    """

    name: str
    partition: str
    sort: str | None = None
    projects: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its life: `expires` names the attribute (epoch seconds) after which an item may go."""

    name: str
    why: str
    partition: str
    sort: str | None = None
    sort_is_number: bool = False
    indexes: tuple[Index, ...] = ()
    expires: str | None = None
    streamed: bool = False
    append_only: bool = False


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue with its dead-letter queue and its one consumer (`room/function`).

    `dead_letter_consumer` takes what was given up; without one it stays there, for a person to see.
    """

    name: str
    why: str
    consumer: str
    fifo: bool = False
    visibility_seconds: int = 60
    max_receives: int = 5
    batch_size: int = 10
    batch_window_seconds: int = 0
    max_concurrency: int = 10
    dead_letter_consumer: str | None = None

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dlq"

    @property
    def placeholder(self) -> str:
        """How a workflow file names the queue: `stripe-events` is `${StripeEventsQueue}`."""
        return "".join(part.capitalize() for part in self.name.split("-")) + "Queue"

    @property
    def consumed(self) -> "tuple[Queue, ...]":
        """This queue, and its dead-letter queue when somebody consumes that: what is fed to functions."""
        if self.dead_letter_consumer is None:
            return (self,)
        why = f"What {self.name} gave up, on its way to where a person sees it."
        return self, Queue(self.dead_letters, why, self.dead_letter_consumer, fifo=self.fifo)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The one private bucket behind the Blobs port."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Stream:
    """Changes of a streamed table handed to a function, in order per partition key."""

    table: str
    consumer: str
    batch_size: int = 100
    max_attempts: int = 10

    @property
    def dead_letters(self) -> str:
        return f"{self.table}-stream-dlq"


@dataclass(frozen=True, slots=True)
class Rule:
    """Events of a bus (`usher`: ours; `default`: AWS's own) that match go to a function.

    `redriven` keeps to executions that are a second or later try of their sign-up. With a `queue`, whose
    consumer that is, each event's detail waits in it first, so that a burst of them is taken as it can be.
    """

    name: str
    why: str
    bus: Literal["usher", "default"]
    source: str
    detail_types: tuple[str, ...]
    consumer: str
    detail: tuple[tuple[str, tuple[str, ...]], ...] = ()
    redriven: bool = False
    queue: str | None = None

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function called every so many minutes; once a day, so many minutes after midnight UTC."""

    name: str
    why: str
    every_minutes: int
    consumer: str
    after_minutes: int = 0

    @property
    def dead_letters(self) -> str:
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP route. `access`: signed (the handler checks that), public, or `roles` of a token's caller."""

    method: str
    path: str
    function: str
    access: Literal["signed", "public", "token"]
    roles: tuple[str, ...] = ()
    rate_per_second: int = 100
    burst: int = 200
    why: str = ""

    @property
    def key(self) -> str:
        """`METHOD /path`, API Gateway's name of it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Workflow:
    """`statemachines/<name>.asl.yaml`; its functions are those the file names."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Function:
    """`functions/<room>/<name>.py` and all it may touch."""

    room: str
    name: str
    timeout_seconds: int
    memory_mb: int = 512
    tables: tuple[tuple[str, Access], ...] = ()
    sends_to: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()  # workflows whose waiting tasks it answers
    redrives: tuple[str, ...] = ()  # workflows whose broken executions it resumes; it may look at all of them
    publishes: bool = False
    files: Literal["read", "write"] | None = None  # what it may do in the bucket; who writes may read
    secrets: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    options: tuple[Option, ...] = ()
    reserved_concurrency: int | None = None

    @property
    def path(self) -> str:
        """`room/name`, how the rest of the catalog refers to the function."""
        return f"{self.room}/{self.name}"

    @property
    def step(self) -> str:
        """The name of its state in a workflow file: snake_case becomes CamelCase."""
        return "".join(part.capitalize() for part in self.name.split("_"))
