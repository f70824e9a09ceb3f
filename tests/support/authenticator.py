"""An authenticator app: shows the codes of a seed, and whenever it is asked again, the next one."""

from datetime import timedelta

from millpond.services.iam import totp
from tests.support.installation import ShiftedClock


class Authenticator:
    """Codes by the installation's clock, which is moved on so that no code has to be waited for."""

    def __init__(self, seed: str, clock: ShiftedClock) -> None:
        self._seed = seed.strip()
        self._clock = clock

    def code(self) -> str:
        """What it shows now."""
        return totp.code_at(self._seed, totp.step_at(self._clock.now()))

    def next_code(self) -> str:
        """What it shows half a minute later, which it then is."""
        self._clock.by += timedelta(seconds=totp.STEP_SECONDS)
        return self.code()
