"""The AWS SDK for JavaScript, unmodified: one life of a cluster in journey.mjs, looked at here."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.genuine import javascript
from tests.support.started import Started

pytestmark = [pytest.mark.timeout(240)]

_JOURNEY = Path(__file__).parent / "clients" / "journey.mjs"


def test_a_clusters_life_through_the_javascript_sdk(millpond: Started, region: str):
    modules = javascript()
    node = shutil.which("node")
    assert node is not None
    done = subprocess.run(
        [node, str(_JOURNEY), str(modules)], env=millpond.environ | {"AWS_REGION": region}, capture_output=True,
        text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["identity"].endswith(":user/administrator")
    assert told["missing"] == {
        "name": "CacheClusterNotFoundFault",
        "status": 404,
        "message": "CacheCluster not found: from-javascript",
        "fault": "client",
    }
    assert told["duplicate"]["name"] == "CacheClusterAlreadyExistsFault"
    assert told["duplicate"]["status"] == 400
    assert told["wrong"]["name"] == "SignatureDoesNotMatch"
    assert told["wrong"]["status"] == 403
    assert told["subnetGroups"] == ["default"]
    assert told["changed"] == [["maxmemory-policy", "allkeys-lru"]]
    assert told["created"]["CacheClusterStatus"] == "creating"
    assert told["created"]["PendingModifiedValues"] == {}
    [available] = told["pages"]
    assert available["CacheClusterStatus"] == "available"
    assert available["CacheParameterGroup"]["CacheParameterGroupName"] == "from-javascript"
    assert available["CacheNodes"][0]["Endpoint"]["Port"] == 6379
    assert told["tags"] == [{"Key": "maker", "Value": "javascript ünïcode"}]
    assert told["deleting"] == "deleting"
    assert "Cache cluster created" in [message for message, _ in told["events"]]


def test_the_lock_file_names_no_host():
    lock = (_JOURNEY.parent / "javascript" / "package-lock.json").read_text()
    assert "://" not in lock
    assert '"resolved"' not in lock
