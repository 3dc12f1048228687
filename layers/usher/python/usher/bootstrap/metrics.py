"""Metrics in CloudWatch's embedded format: one line on Lambda's output, nothing on one machine."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from usher.settings import settings

NAMESPACE = "Usher"
LOCAL = "local"
PAID_TO_ACTIVE = "LinkPaidToActive"  # milliseconds from a link's payment to the active account


def count(name: str, **dimensions: str) -> None:
    """Count one occurrence. Dimensions are few and fixed (a step, a function), never an id."""
    measure(name, 1, MetricUnit.Count, **dimensions)


def counted(name: str, value: int, **dimensions: str) -> None:
    """Record how many there were, which may be none."""
    measure(name, value, MetricUnit.Count, **dimensions)


def milliseconds(name: str, value: float, **dimensions: str) -> None:
    """Record a duration in milliseconds."""
    measure(name, value, MetricUnit.Milliseconds, **dimensions)


def measure(name: str, value: float, unit: MetricUnit, **dimensions: str) -> None:
    """Record one value of one metric."""
    here = settings()
    if here.stage == LOCAL:
        return  # the local run answers the same questions from its records
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension("stage", here.stage)
        for key, text in dimensions.items():
            metric.add_dimension(key, text)
