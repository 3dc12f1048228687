"""AWS's list prices in us-east-1 (2026-11, without free tiers), and what counted use costs at them."""

from collections.abc import Mapping
from dataclasses import dataclass

MILLION, BYTES_PER_GB = 1e6, 1e9  # GB of a thousand million bytes: the dearer reading


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for one unit of something, and the vendor's page that says so."""

    service: str
    unit: str
    usd: float
    page: str


PRICES = {
    "transition": Price("Step Functions", "state transition", 25 / MILLION, "AWS Step Functions Pricing"),
    "invocation": Price("Lambda", "request", 0.20 / MILLION, "AWS Lambda Pricing"),
    "gb_second": Price("Lambda", "GB-second, arm64", 0.0000133334, "AWS Lambda Pricing"),
    "write_unit": Price("DynamoDB", "write request unit", 0.625 / MILLION, "Amazon DynamoDB Pricing"),
    "read_unit": Price("DynamoDB", "read request unit", 0.125 / MILLION, "Amazon DynamoDB Pricing"),
    "queue_request": Price("SQS", "request, standard", 0.40 / MILLION, "Amazon SQS Pricing"),
    "fifo_request": Price("SQS", "request, FIFO", 0.50 / MILLION, "Amazon SQS Pricing"),
    "bus_event": Price("EventBridge", "event of ours, 64 KB", 1.00 / MILLION, "Amazon EventBridge Pricing"),
    "http_request": Price("API Gateway", "HTTP API request", 1.00 / MILLION, "Amazon API Gateway Pricing"),
    "log_byte": Price("CloudWatch Logs", "byte taken in", 0.50 / BYTES_PER_GB, "Amazon CloudWatch Pricing"),
    "masked_byte": Price("CloudWatch Logs", "byte masked", 0.12 / BYTES_PER_GB, "Amazon CloudWatch Pricing"),
    "trace": Price("X-Ray", "trace recorded", 5.00 / MILLION, "AWS X-Ray Pricing"),
    "key_request": Price("KMS", "request", 0.03 / 10_000, "AWS KMS Pricing"),
    "secret_request": Price("Secrets Manager", "API call", 0.05 / 10_000, "AWS Secrets Manager Pricing"),
    "byte_out": Price(
        "Data transfer", "byte to the internet", 0.09 / BYTES_PER_GB, "Amazon EC2 On-Demand Pricing"
    ),
}

# What is paid by the month, however many sign up: never part of the sum of a sign-up.
MONTHLY = {
    "alarm": Price("CloudWatch", "alarm", 0.10, "Amazon CloudWatch Pricing"),
    "metric": Price("CloudWatch", "metric of ours or of a route", 0.30, "Amazon CloudWatch Pricing"),
    "key": Price("KMS", "key", 1.00, "AWS KMS Pricing"),
    "secret": Price("Secrets Manager", "secret", 0.40, "AWS Secrets Manager Pricing"),
    "empty_receive": Price("SQS", "empty long poll", 0.40 / MILLION, "Amazon SQS Pricing"),
    "schedule_call": Price("EventBridge Scheduler", "call", 1.00 / MILLION, "Amazon EventBridge Pricing"),
    "schedule_request": Price("Lambda", "call by a schedule, 512 MB, 0.1 s", 8.7e-7, "AWS Lambda Pricing"),
    "stored_gb": Price("DynamoDB", "GB kept, with its recovery", 0.25 + 0.20, "Amazon DynamoDB Pricing"),
}


def cost(counted: Mapping[str, float], prices: Mapping[str, Price] = PRICES) -> dict[str, float]:
    """US dollars by the price's name. Raises KeyError for what has no price: nothing goes uncounted."""
    return {name: quantity * prices[name].usd for name, quantity in counted.items()}


def by_service(costs: Mapping[str, float], prices: Mapping[str, Price] = PRICES) -> dict[str, float]:
    """The same by service, dearest first."""
    sums: dict[str, float] = {}
    for name, usd in costs.items():
        sums[prices[name].service] = sums.get(prices[name].service, 0.0) + usd
    return dict(sorted(sums.items(), key=lambda entry: -entry[1]))
