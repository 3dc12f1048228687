"""Where powertools keeps its idempotency records: one DynamoDB table, or its twin on one machine."""

from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer, DynamoDBPersistenceLayer

from usher.adapters.aws_platform import AwsPlatform
from usher.adapters.store_idempotency import StoreIdempotency
from usher.bootstrap.platform import platform
from usher.settings import physical, settings

TABLE = "idempotency"


def persistence() -> BasePersistenceLayer:
    """A new persistence layer of this process's platform; each decorated function configures its own."""
    here = platform()
    if isinstance(here, AwsPlatform):
        table = physical(settings(), "tables", TABLE)
        return DynamoDBPersistenceLayer(table, boto3_client=here.client("dynamodb"))
    return StoreIdempotency(here.store, here.clock)
