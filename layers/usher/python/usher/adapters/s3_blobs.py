"""The blobs port on S3: one private bucket, encrypted by its own default."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from usher.adapters.aws_errors import code, outages
from usher.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Blobs:
    """Implements usher.ports.blobs.Blobs. Raises StoreUnavailable during an outage."""

    def __init__(self, client: "S3Client", settings: Settings) -> None:
        self._client = client
        self._bucket = settings.bucket

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        with outages("S3"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def get(self, key: str) -> bytes | None:
        try:
            with outages("S3"):
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                with answer["Body"] as body:
                    return body.read()
        except ClientError as error:
            if code(error) == "NoSuchKey":
                return None
            raise
