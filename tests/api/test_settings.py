"""The settings that the environment may hold."""

import stat
from pathlib import Path

import pytest

from api.settings import IN_PROCESS, InvalidSetting, Settings
from domain.kit.clock import system_clock
from domain.kit.secret_keys import KeyPair


def test_nothing_has_to_be_set() -> None:
    settings = Settings.from_env()
    assert settings.database_url == "sqlite+aiosqlite:///muster.db"
    assert settings.broker_url == IN_PROCESS
    assert settings.embedded
    assert settings.clock() is system_clock


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("postgresql://a:b@h:5433/d", "postgresql+asyncpg://a:b@h:5433/d"),
        ("postgres://a:p%40ss@h/d", "postgresql+asyncpg://a:p%40ss@h/d"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        (
            "postgresql://a:p%40ss@h1:5433,h2/d?sslmode=require",
            "postgresql+asyncpg://a:p%40ss@/d?host=h1%3A5433&host=h2%3A5432&ssl=require",
        ),
        ("postgresql://a:p,w@h/d", "postgresql+asyncpg://a:p%2Cw@h/d"),
        ("postgresql://h1,h2", "postgresql+asyncpg:///?host=h1%3A5432&host=h2%3A5432"),
        ("postgresql://h1,h2/d", "postgresql+asyncpg:///d?host=h1%3A5432&host=h2%3A5432"),
        ("sqlite:///shop.db", "sqlite+aiosqlite:///shop.db"),
        ("sqlite:////var/lib/shop.db", "sqlite+aiosqlite:////var/lib/shop.db"),
    ],
)
def test_the_asynchronous_driver_is_added(monkeypatch: pytest.MonkeyPatch, url: str, used: str) -> None:
    monkeypatch.setenv("MUSTER_DATABASE_URL", url)
    assert Settings.from_env().database_url == used


@pytest.mark.parametrize(
    ("url", "directory"),
    [
        ("sqlite:///shop.db", "shop.db-files"),
        ("sqlite:////var/lib/shop.db", "/var/lib/shop.db-files"),
        ("postgresql://h/d", "muster-files"),
    ],
)
def test_reports_are_beside_the_database_unless_a_directory_is_set(
    monkeypatch: pytest.MonkeyPatch, url: str, directory: str
) -> None:
    monkeypatch.delenv("MUSTER_FILES_DIR")
    monkeypatch.setenv("MUSTER_DATABASE_URL", url)
    assert Settings.from_env().files() == Path(directory)
    monkeypatch.setenv("MUSTER_FILES_DIR", "/srv/reports")
    assert Settings.from_env().files() == Path("/srv/reports")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MUSTER_DATABASE_URL", "mysql://h/d"),
        ("MUSTER_DATABASE_URL", "shop.db"),
        ("MUSTER_DATABASE_URL", "sqlite://"),
        ("MUSTER_DATABASE_POOLER", "statement"),
        ("MUSTER_ROW_SECURITY", "perhaps"),
        ("MUSTER_ROW_SECURITY", "on"),  # the database is SQLite
        ("MUSTER_BROKER_URL", "kafka://h"),
        ("MUSTER_BROKER_URL", "amqp://h1,h2"),
        ("MUSTER_BROKER_URL", "redis://h1,redis://h2"),
        ("MUSTER_BROKER_NAMESPACE", "shop:1"),
        ("MUSTER_SECRET_KEY", "short"),
        ("MUSTER_PREVIOUS_SECRET_KEY", "short"),
        ("MUSTER_PREVIOUS_SECRET_KEY", "a key before none that is set"),
        ("MUSTER_PRIVATE_TARGETS", "10.0.0.0/8,mail.internal"),
        ("MUSTER_CLOCK_FILE", "now.txt"),
        ("MUSTER_PUBLIC_URL", "somewhere"),
        ("MUSTER_AUDIT_BEFORE", "perhaps"),
        ("MUSTER_LOG_FORMAT", "xml"),
        ("MUSTER_LOG_LEVEL", "loud"),
        ("MUSTER_ENV", "staging"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSetting) as refused:
        Settings.from_env()
    assert str(refused.value).startswith(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("value", "is_on"), [("on", True), ("off", False), ("", False)])
def test_row_security_is_on_or_off(monkeypatch: pytest.MonkeyPatch, value: str, is_on: bool) -> None:
    monkeypatch.setenv("MUSTER_DATABASE_URL", "postgresql://h/d")
    monkeypatch.setenv("MUSTER_ROW_SECURITY", value)
    assert Settings.from_env().row_security == is_on


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_BROKER_URL", "")
    assert Settings.from_env().embedded


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_ALLOWED_ORIGINS", "https://a.example, https://b.example,")
    assert Settings.from_env().allowed_origins == ("https://a.example", "https://b.example")


def test_rabbitmq_has_several_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_BROKER_URL", "amqp://h1:5672, amqp://h2:5672")
    assert Settings.from_env().broker_url == "amqp://h1:5672,amqp://h2:5672"


def test_the_clock_may_be_stopped_in_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "now"
    file.write_text("2026-07-01T09:00:00+08:00\n")
    monkeypatch.setenv("MUSTER_ENV", "test")
    monkeypatch.setenv("MUSTER_CLOCK_FILE", str(file))
    assert Settings.from_env().clock()().isoformat() == "2026-07-01T01:00:00+00:00"
    file.write_text("noon")
    with pytest.raises(InvalidSetting, match="MUSTER_CLOCK_FILE"):
        Settings.from_env().clock()


def test_a_key_is_created_once_and_no_other_user_can_read_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    key = Settings.from_env().secret_keys().pair.current
    assert len(key.secret) >= 32
    assert Settings.from_env().secret_keys().pair == KeyPair(key)
    assert [path.name for path in tmp_path.iterdir()] == ["muster.key"]
    running = Settings.from_env().secret_keys()
    (tmp_path / "muster.key").rename(tmp_path / "elsewhere")
    assert running.by_id(b"unknown") is None
    assert running.pair == KeyPair(key), "a process that runs makes no other key"
    (tmp_path / "elsewhere").rename(tmp_path / "muster.key")
    assert stat.S_IMODE((tmp_path / "muster.key").stat().st_mode) == 0o600


def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSTER_DATABASE_URL", "postgresql://shop:hunter2@h/d")
    monkeypatch.setenv("MUSTER_BROKER_URL", "amqp://shop:hunter2@h")
    monkeypatch.setenv("MUSTER_SECRET_KEY", "hunter2hunter2hunter2")
    assert "hunter2" not in repr(Settings.from_env())


def test_proxies_are_addresses_and_networks_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_env().trusted_proxies == ("127.0.0.1", "::1")
    monkeypatch.setenv("MUSTER_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert Settings.from_env().trusted_proxies == ("10.0.0.0/8", "::1")
    monkeypatch.setenv("MUSTER_TRUSTED_PROXIES", "none")
    assert Settings.from_env().trusted_proxies == ()
    for wrong in ("*", "proxy.example", "10.0.0.1/8"):
        monkeypatch.setenv("MUSTER_TRUSTED_PROXIES", wrong)
        with pytest.raises(InvalidSetting, match="MUSTER_TRUSTED_PROXIES"):
            Settings.from_env()


def test_plugins_are_in_the_working_directory_unless_a_directory_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Settings.from_env().plugins().path == tmp_path / "plugins"
    monkeypatch.delenv("MUSTER_PLUGINS_DIR")
    monkeypatch.chdir(tmp_path)
    assert Settings.from_env().plugins().path == tmp_path / "muster-plugins"


def test_plugins_that_another_user_may_have_written_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    planted = tmp_path / "muster-plugins"
    planted.mkdir()
    planted.chmod(0o777)
    monkeypatch.delenv("MUSTER_PLUGINS_DIR")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSetting, match="set MUSTER_PLUGINS_DIR to have it used"):
        Settings.from_env().plugins()
    monkeypatch.setenv("MUSTER_PLUGINS_DIR", str(planted))
    assert Settings.from_env().plugins().path == planted
    planted.chmod(0o755)
    monkeypatch.delenv("MUSTER_PLUGINS_DIR")
    assert Settings.from_env().plugins().path == planted
