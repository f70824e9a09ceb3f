"""Run pytest as an ordinary user whose networks a holder keeps; run by the test beside.

python inside_a_holder.py HOME ARGUMENTS-OF-PYTEST
"""

import sys
from pathlib import Path

import pytest

from millpond.host.linux import Holder, enter_if_needed

if __name__ == "__main__":
    home = Path(sys.argv[1])
    if why := enter_if_needed(home):
        sys.exit(why)
    try:
        status = pytest.main(sys.argv[2:])
    finally:
        Holder(home).end()
    sys.exit(status)
