"""Start a throw-away PostgreSQL, run pytest with the arguments given on it, stop it: `python -m tests.postgres tests/api`."""

import os
import subprocess
import sys

from tests.contracts import postgresql


def main() -> int:
    binaries = postgresql.binaries()
    if binaries is None:
        print("PostgreSQL is not installed on this machine: nothing was tested", file=sys.stderr)
        return 0
    with postgresql.running(binaries) as server:
        environ = os.environ | {"MILLPOND_TEST_POSTGRESQL": str(server.directory)}
        return subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
