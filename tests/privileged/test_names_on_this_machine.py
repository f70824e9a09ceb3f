"""Root, the real hosts file, real programs: names resolve right after publishing, and nothing remains."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from millpond.dns.server import DnsServer
from millpond.dns.system_names import SystemNames
from millpond.kernel import ids

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(os.geteuid() != 0, reason="changes /etc/hosts, which needs root"),
]
HOSTS = Path("/etc/hosts")


@pytest.fixture
def names():
    made = SystemNames(HOSTS, f"test-{ids.endpoint_tag()}")
    yield made
    made.withdraw()


def test_given_root_then_any_program_resolves_a_name_right_after_it_is_published(names: SystemNames):
    before = HOSTS.stat()
    assert names.available().how == "hosts file"
    node = f"my-cache.{ids.endpoint_tag()}.0001.use1.cache.millpond.test"
    names.publish({node: ("127.93.0.2",)})
    assert socket.gethostbyname(node) == "127.93.0.2"
    program = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    told = subprocess.run([sys.executable, "-c", program, node], capture_output=True, text=True, check=True)
    assert told.stdout == "127.93.0.2\n"
    assert HOSTS.stat().st_mode == before.st_mode
    names.withdraw()
    assert names.installation.encode() not in HOSTS.read_bytes()
    with pytest.raises(OSError, match=r"Name or service not known|failure in name resolution|No address"):
        socket.gethostbyname(node)


async def test_given_port_53_of_an_own_address_then_the_server_can_be_forwarded_to(names: SystemNames):
    server = DnsServer(lambda: names.probe, origin="millpond.test", address="127.93.0.53", port=53)
    await server.start()
    forwarded = SystemNames(HOSTS, names.installation, servers=lambda: [("127.93.0.53", 53)])
    # The resolver of this machine does not forward, so that the server alone is not believed.
    assert (await asyncio.to_thread(forwarded.available)).how == "hosts file"
    await server.close()
