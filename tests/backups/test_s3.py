"""Back-ups in a bucket, against moto's server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from django.core.management import CommandError
from moto.server import ThreadedMotoServer

from haystack_app.backups import s3
from haystack_app.backups.errors import BackupError
from haystack_app.backups.manifest import MANIFEST
from haystack_app.backups.retention import delete_old
from haystack_app.backups.targets import target_of, time_of
from haystack_app.storage.orm import OrmAdapter
from tests.backups.test_restore import committing, said
from tests.transfer.stores import filled


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="plant")
    yield client
    server.stop()


@committing
def test_a_bucket(client: Any, sqlite_only: None) -> None:
    filled(OrmAdapter())
    url = "s3://plant/backups/main"
    said("haystack_backup", url)
    assert "proved" in said("haystack_verify_backup", url)
    target = target_of(url)
    [name] = target.complete()
    assert target.files(name) == ["database-default.sqlite3.gz", MANIFEST]
    key = f"backups/main/{name}/database-default.sqlite3.gz"
    body = client.get_object(Bucket="plant", Key=key)["Body"].read()
    client.put_object(Bucket="plant", Key=key, Body=body[:-1] + b"x")
    with pytest.raises(CommandError, match="was changed: its SHA-256 differs"):
        said("haystack_verify_backup", f"{url}/{name}")
    client.delete_object(Bucket="plant", Key=f"backups/main/{name}/{MANIFEST}")
    with pytest.raises(CommandError, match="incomplete"):
        said("haystack_verify_backup", f"{url}/{name}")
    assert delete_old(target, time_of(name) + dt.timedelta(days=3)) == [name]
    assert target.names() == []
    with pytest.raises(CommandError, match="NoSuchBucket"):
        said("haystack_backup", "s3://missing")


def test_parts_and_what_is_left_of_a_failure(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_PART", 5 * 1024 * 1024)
    target, name, data = target_of("s3://plant"), "20261130T010000Z", b"x" * 3_000_001
    with target.writing(name, "long") as output:
        for _ in range(4):
            output.write(data)
    with target.reading(name, "long") as file:
        assert file.read() == data * 4
    with pytest.raises(ZeroDivisionError), target.writing(name, "broken") as output:
        output.write(data * 4)
        raise ZeroDivisionError
    assert target.files(name) == ["long"]
    assert "Uploads" not in client.list_multipart_uploads(Bucket="plant")
    with pytest.raises(BackupError, match="NoSuchKey"), target.reading(name, "none"):
        pass


def test_urls() -> None:
    assert str(target_of("s3://plant/a/b/")) == "s3://plant/a/b"
    for wrong in ("s3:///a", "ftp://plant"):
        with pytest.raises(BackupError, match=r"s3://bucket"):
            target_of(wrong)
