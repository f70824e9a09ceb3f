"""A control plane of its own process, on the memory driver: `python -m tests.crash.audited HOME ENGINES`.

Prints the endpoint and the operator's keys as one line of JSON once it answers, and lives until it is killed.
"""

import asyncio
import json
import sys
from pathlib import Path

from millpond.app.control_plane import run
from millpond.cli.door import Door
from millpond.config import Config
from millpond.kernel import log
from millpond.operator.facts import RunFacts


async def main(home: Path, engines: Path) -> None:
    log.configure()
    config = Config(home=home, engines=engines, listen="127.0.0.1:0", driver="memory", hosts_file=home / "hosts")
    home.mkdir()
    (home / "hosts").touch()
    answering = asyncio.Event()
    facts: list[RunFacts] = []

    def ready(found: RunFacts) -> None:
        facts.append(found)
        answering.set()

    plane = asyncio.create_task(run(config, ready=ready))
    await answering.wait()
    keys = await asyncio.to_thread(Door(config).credentials)
    said = {
        "endpoint": facts[0].endpoint,
        "access_key_id": keys.access_key_id,
        "secret_access_key": keys.secret_access_key,
    }
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    await plane


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
