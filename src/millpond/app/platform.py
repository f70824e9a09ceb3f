"""What operations may know of the machine."""

from collections.abc import Callable, Sequence

from millpond.operation import EngineVersion


class MachinePlatform:
    """Facts gathered at start, and the engine catalogue as it stands."""

    def __init__(
        self,
        *,
        zone: str,
        names_resolve: bool,
        enforcement: str,
        no_instances: str,
        engine_versions: Callable[[], Sequence[EngineVersion]],
        seen: Callable[[str, str], str],
    ) -> None:
        self.zone = zone
        self.names_resolve = names_resolve
        self.enforcement = enforcement
        self.no_instances = no_instances
        self._engine_versions = engine_versions
        self._seen = seen

    def seen(self, interface: str, address: str) -> str:
        return self._seen(interface, address)

    def engine_versions(self) -> Sequence[EngineVersion]:
        return self._engine_versions()
