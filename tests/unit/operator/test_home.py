"""Who runs in a home."""

import stat
from pathlib import Path

import msgspec
import pytest

from millpond.operator import home
from millpond.operator.spec import CannotStart
from tests.doubles.operator import facts, home_config


def test_a_home_is_held_by_one(tmp_path: Path):
    config = home_config(tmp_path / "home")
    assert not home.is_held(config)
    with home.held(config):
        assert home.is_held(config)
        with pytest.raises(home.AlreadyRunning), home.held(config):
            pass
    assert not home.is_held(config)


def test_a_home_is_made_for_its_owner_only(tmp_path: Path):
    config = home_config(tmp_path / "a" / "home")
    with home.held(config):
        assert stat.S_IMODE(config.home.stat().st_mode) == 0o700
        assert stat.S_IMODE(home.lock_file(config).stat().st_mode) == 0o600


def test_a_home_that_cannot_be_made_names_the_fix(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="--home DIR"), home.held(home_config(tmp_path / "file" / "home")):
        pass


def test_a_record_is_believed_while_its_process_lives(tmp_path: Path):
    config = home_config(tmp_path)
    home.write_record(config, facts(config))
    record = home.read_record(config)
    assert record is not None
    assert record.endpoint == "http://127.0.0.1:8421"
    assert stat.S_IMODE(home.run_file(config).stat().st_mode) == 0o600


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}])
def test_a_record_of_another_process_or_boot_is_not_believed(tmp_path: Path, change: dict[str, object]):
    config = home_config(tmp_path)
    home.write_record(config, facts(config))
    record = home.last_record(config)
    assert record is not None
    home.run_file(config).write_bytes(msgspec.json.encode(msgspec.structs.replace(record, **change)))
    assert home.read_record(config) is None
    assert home.last_record(config) is not None


def test_a_damaged_record_is_no_record(tmp_path: Path):
    config = home_config(tmp_path)
    home.run_file(config).write_bytes(b'{"pid":')
    assert home.last_record(config) is None
