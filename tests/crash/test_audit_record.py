"""kill -9 right after a change was acknowledged: its record is there, and the chain is whole."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import sqlalchemy as sa
from botocore.config import Config

from millpond.services.cloudtrail import verify_chain
from millpond.store import Store, Vault
from tests.support.engines import engines_directory

_ROOT = Path(__file__).parents[2]
_PROGRAM = [sys.executable, "-m", "tests.crash.audited"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [*_PROGRAM, str(tmp_path / "home"), str(engines_directory())]
    variables = {**os.environ, "PYTHONPATH": str(_ROOT / "src")}
    with subprocess.Popen(command, cwd=_ROOT, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("attempt", range(3))
def test_what_was_acknowledged_is_on_record(
    running: tuple[subprocess.Popen[str], dict[str, Any]], tmp_path: Path, attempt: int
):
    process, facts = running
    client = boto3.client(
        "elasticache",
        endpoint_url=facts["endpoint"],
        region_name="us-east-1",
        aws_access_key_id=facts["access_key_id"],
        aws_secret_access_key=facts["secret_access_key"],
        config=Config(retries={"max_attempts": 0}),
    )
    made = []
    for number in range(attempt + 3):
        name = f"group-{number}"
        client.create_cache_parameter_group(
            CacheParameterGroupName=name, CacheParameterGroupFamily="valkey8", Description="d"
        )
        made.append(name)
        client.describe_cache_parameter_groups()
    os.kill(process.pid, signal.SIGKILL)
    process.wait(20)
    client.close()
    home = tmp_path / "home"
    store = Store(f"sqlite:///{home / 'millpond.db'}")
    with store.read() as transaction:
        query = sa.text("SELECT body FROM cloudtrail_events WHERE name = 'CreateCacheParameterGroup' ORDER BY sequence")
        bodies = [json.loads(each) for each in transaction.execute(query).scalars()]
        found = verify_chain(transaction, Vault.at(home / "master.key", create=False))
    store.close()
    assert [each["requestParameters"]["cacheParameterGroupName"] for each in bodies] == made
    assert not found.problem
