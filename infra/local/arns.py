"""Names of local resources in the shape AWS gives them."""

PARTITION = "arn:aws"
REGION = "local"
ACCOUNT = "000000000000"


def queue(name: str, *, fifo: bool = False) -> str:
    """`arn:aws:sqs:local:000000000000:signups`; a FIFO queue's name ends in `.fifo`, as on AWS."""
    return f"{PARTITION}:sqs:{REGION}:{ACCOUNT}:{name}{'.fifo' if fifo else ''}"


def function(path: str) -> str:
    """The function `room/name`."""
    return f"{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{function_name(path)}"


def function_name(path: str) -> str:
    """`room/name` as one name: a function name holds no slash."""
    return f"usher-{path.replace('/', '-')}"


def stream(table: str) -> str:
    return f"{PARTITION}:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/local"


def rule(bus: str, name: str) -> str:
    place = name if bus == "default" else f"{bus}/{name}"
    return f"{PARTITION}:events:{REGION}:{ACCOUNT}:rule/{place}"


def schedule(name: str) -> str:
    return f"{PARTITION}:scheduler:{REGION}:{ACCOUNT}:schedule/usher/{name}"


def route(method: str, path: str) -> str:
    return f"{PARTITION}:execute-api:{REGION}:{ACCOUNT}:local/$default/{method}{path}"
