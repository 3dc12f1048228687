"""The logger every function shares: one JSON line per outcome, with ids and never with personal data."""

from aws_lambda_powertools import Logger

logger = Logger(service="usher", use_rfc3339=True)
