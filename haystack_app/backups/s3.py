"""Back-ups in a bucket of S3, or of a service with its interface.

Credentials, region and address are those of boto3: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL and so on, its files, or the role of a machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import IO, Any, cast

from ..extras import imported_for
from .encryption import Writer
from .errors import BackupError
from .manifest import MANIFEST
from .targets import NAME, Target

__all__ = ["Bucket"]

_PART = 16 * 1024 * 1024
_GROWTH = 1_000
"""Parts after which they grow by as much again, for there may be 10,000 of a file."""


class Bucket(Target):
    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""

    @classmethod
    def of(cls, url: str) -> Bucket:
        """By ``s3://bucket/prefix``. Raises BackupError."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket:
            raise BackupError("the URL of a bucket is s3://bucket/prefix")
        return cls(bucket, prefix.strip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @cached_property
    def _client(self) -> Any:
        with imported_for("s3://", "s3"):
            import boto3
            from botocore.config import Config
        config = Config(
            connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 4}
        )
        return boto3.client("s3", config=config)

    def names(self) -> list[str]:
        with self._refused():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix, Delimiter="/"
            )
            folders = [
                entry["Prefix"].removeprefix(self.prefix).rstrip("/")
                for page in pages
                for entry in page.get("CommonPrefixes", [])
            ]
        return sorted(filter(NAME.fullmatch, folders))

    def files(self, name: str) -> list[str]:
        first = self._key(name, "")
        with self._refused():
            found = self._client.list_objects_v2(Bucket=self.bucket, Prefix=first)
        return [one["Key"].removeprefix(first) for one in found.get("Contents", [])]

    @contextmanager
    def writing(self, name: str, file: str) -> Iterator[Writer]:
        with self._refused():
            upload = _Upload(self._client, self.bucket, self._key(name, file))
            try:
                yield upload
                upload.complete()
            except BaseException:
                upload.abort()
                raise

    @contextmanager
    def reading(self, name: str, file: str) -> Iterator[IO[bytes]]:
        with self._refused():
            found = self._client.get_object(
                Bucket=self.bucket, Key=self._key(name, file)
            )
            with found["Body"] as body:
                yield cast("IO[bytes]", body)

    def delete(self, name: str) -> None:
        with self._refused():
            for file in sorted(self.files(name), key=MANIFEST.__ne__):
                self._client.delete_object(
                    Bucket=self.bucket, Key=self._key(name, file)
                )

    def _key(self, name: str, file: str) -> str:
        return f"{self.prefix}{name}/{file}"

    @contextmanager
    def _refused(self) -> Iterator[None]:
        with imported_for("s3://", "s3"):
            from botocore.exceptions import BotoCoreError, ClientError
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise BackupError(f"{self}: {error}") from error


class _Upload:
    """A file that is sent in parts, and exists once it is complete."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        self._where = {"Bucket": bucket, "Key": key}
        begun = client.create_multipart_upload(**self._where)
        self._where["UploadId"] = begun["UploadId"]
        self._parts: list[dict[str, Any]] = []
        self._rest = bytearray()

    def write(self, data: bytes) -> int:
        self._rest += data
        if len(self._rest) >= _PART * (1 + len(self._parts) // _GROWTH):
            self._send()
        return len(data)

    def _send(self) -> None:
        number = len(self._parts) + 1
        sent = self._client.upload_part(
            **self._where, PartNumber=number, Body=bytes(self._rest)
        )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._rest.clear()

    def complete(self) -> None:
        if self._rest or not self._parts:
            self._send()
        self._client.complete_multipart_upload(
            **self._where, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        self._client.abort_multipart_upload(**self._where)
