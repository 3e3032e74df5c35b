"""A channel's settings: checked, sealed, never shown."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from domain.deliveries.local_session import LocalSessions
from domain.installation.keys import InstallationKeys
from domain.installation.model import WrongSecretKey
from domain.kit.db import Database
from domain.kit.errors import DomainErrors, ErrorCode
from domain.kit.secret_keys import KeyPair, SecretKey, SecretKeys
from domain.sessions.local_settings import check_settings
from domain.sessions.session import ChannelBroken
from domain.stores import queries as stores
from domain.stores.channels import ChannelUnavailable, ConfiguredChannel, redacted
from domain.templates.rendering import MinijinjaTemplates
from plugins.contributions import Fault, Plugins
from plugins.inspection import describe_channel
from plugins.sealing import WrongKey, seal, unseal, with_secrets
from plugins.store_channels import InstalledChannels
from tests.factories import NOW
from tests.fakes import RecordingChannel, plugins_of

KEY, OTHER = SecretKey(b"the server's own key"), SecretKey(b"the key of another server")
SECRET = "hunter2-hunter2"


class LoftSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    loft: str = Field(min_length=2)
    perches: int = 1
    ring_code: SecretStr = Field(alias="ringCode")
    spare: SecretStr | None = None


class NewLoftSettings(LoftSettings):
    keeper: str


@dataclass
class Loft(RecordingChannel):
    key: str = "loft"
    settings: type[BaseModel] = LoftSettings


class Inner(BaseModel):
    inner: "Cage | None" = None


class Cage(Inner):
    name: str
    code: SecretStr


class NestedSettings(BaseModel):
    colour: str = "red"
    cages: list[Cage]


LOFT = Loft()
DESCRIBED = describe_channel(LOFT)
GIVEN: dict[str, object] = {"loft": "North", "ringCode": SECRET}


def keys_of(current: SecretKey, previous: SecretKey | None = None) -> SecretKeys:
    return SecretKeys(KeyPair(current, previous))


def installed(key: SecretKey, channel: RecordingChannel = LOFT) -> InstalledChannels:
    sessions = LocalSessions(MinijinjaTemplates(), channels=[channel])
    return InstalledChannels(plugins_of(channel, package="lofts"), InstallationKeys(keys_of(key)), sessions)


def test_every_fault_has_its_path_and_code() -> None:
    with pytest.raises(DomainErrors) as refused:
        check_settings(LOFT, {"loft": "N", "perches": "many", "colour": "red"})
    errors = {(fault.field, fault.code) for fault in refused.value.errors}
    assert errors == {
        (("loft",), ErrorCode.INVALID),
        (("perches",), ErrorCode.INVALID),
        (("ringCode",), ErrorCode.REQUIRED),
        (("colour",), ErrorCode.INVALID),
    }


def test_a_channel_s_own_rule_is_told_in_its_own_words() -> None:
    class Strict(LoftSettings):
        @field_validator("loft")
        @classmethod
        def _faces_south(cls, loft: str) -> str:
            raise ValueError(f"{loft} is too cold: choose South.")

    with pytest.raises(DomainErrors) as refused:
        check_settings(Loft(settings=Strict), GIVEN)
    assert [error.message for error in refused.value.errors] == ["North is too cold: choose South."]


def test_no_fault_repeats_a_secret() -> None:
    with pytest.raises(DomainErrors) as refused:
        check_settings(LOFT, {"loft": SECRET, "ringCode": [SECRET], "spare": {"x": SECRET}})
    assert SECRET not in str(refused.value)


def test_a_model_that_breaks_is_the_channel_s_fault() -> None:
    class Breaking(LoftSettings):
        @field_validator("loft")
        @classmethod
        def _breaks(cls, loft: str) -> str:
            raise KeyError(loft)

    class Unstable(LoftSettings):
        @field_validator("loft", mode="before")
        @classmethod
        def _shortens(cls, loft: str) -> str:
            return loft[:2] if len(loft) > 2 else loft[:1]

    for settings in (Breaking, Unstable):
        with pytest.raises(ChannelBroken, match=r"loft failed to check settings: (KeyError|ValidationError)"):
            check_settings(Loft(settings=settings), GIVEN)


def test_a_secret_that_is_left_out_stays_and_null_takes_it_away() -> None:
    first = check_settings(LOFT, {**GIVEN, "spare": "old"})
    again = check_settings(LOFT, with_secrets(DESCRIBED, {"loft": "South"}, first))
    assert again == {"loft": "South", "perches": 1, "ringCode": SECRET, "spare": "old"}
    emptied = check_settings(LOFT, with_secrets(DESCRIBED, {"loft": "South", "spare": None}, first))
    assert emptied["spare"] is None


def test_what_is_shown_holds_no_secret() -> None:
    settings = check_settings(LOFT, {**GIVEN, "spare": SECRET})
    assert redacted(DESCRIBED, settings) == {"loft": "North", "perches": 1}
    assert SECRET not in repr(ConfiguredChannel(DESCRIBED, settings))


def test_what_an_update_knows_no_more_is_not_shown_for_it_may_have_been_a_secret() -> None:
    assert redacted(DESCRIBED, {"loft": "North", "former": SECRET}) == {"loft": "North"}


def test_a_secret_inside_of_a_setting_makes_all_of_it_secret() -> None:
    channel = Loft(settings=NestedSettings)
    settings = check_settings(channel, {"cages": [{"name": "A", "code": SECRET}]})
    assert settings == {"colour": "red", "cages": [{"name": "A", "code": SECRET, "inner": None}]}
    assert redacted(describe_channel(channel), settings) == {"colour": "red"}


def test_what_is_sealed_opens_as_it_was_and_holds_nothing_readable() -> None:
    settings = check_settings(LOFT, GIVEN)
    sealed = seal(settings, KEY, 1, "loft")
    assert unseal("loft", sealed, keys_of(KEY), 1) == settings
    assert SECRET.encode() not in sealed
    assert b"North" not in sealed
    assert seal(settings, KEY, 1, "loft") != sealed


def test_what_is_sealed_opens_for_its_store_channel_and_key_alone() -> None:
    sealed = seal(GIVEN, KEY, 1, "loft")
    for channel, key, store_id in (("loft", KEY, 2), ("loft", OTHER, 1), ("cote", KEY, 1)):
        with pytest.raises(WrongKey, match="MUSTER_SECRET_KEY"):
            unseal(channel, sealed, keys_of(key), store_id)


def test_a_flipped_bit_or_a_cut_does_not_open() -> None:
    sealed = seal(GIVEN, KEY, 1, "loft")
    changed = [
        bytes([*sealed[:at], sealed[at] ^ 1 << bit, *sealed[at + 1 :]]) for at in range(len(sealed)) for bit in (0, 7)
    ]
    for wrong in [*changed, sealed[:-1], sealed[:20], sealed[:5], b""]:
        with pytest.raises(WrongKey):
            unseal("loft", wrong, keys_of(KEY), 1)


async def test_settings_that_an_update_outgrew_are_said_to_be_so(database: Database, store_id: int) -> None:
    grown = installed(KEY, Loft(settings=NewLoftSettings))
    async with database.write() as tx:
        await installed(KEY).configure(tx, store_id, "loft", GIVEN, NOW)
        assert ["configure it anew" in problem for problem in await grown.problems(tx, store_id)] == [True]
        configured = await grown.find(tx, store_id, "loft")
    assert configured is not None
    sessions = LocalSessions(MinijinjaTemplates(), channels=[Loft(settings=NewLoftSettings)])
    with pytest.raises(ChannelUnavailable, match="configure it anew"):
        async with sessions.open(configured, {"text": "Hi"}):
            pass


async def test_a_store_configures_a_channel_bit_by_bit(database: Database, store_id: int) -> None:
    channels = installed(KEY)
    async with database.write() as tx:
        assert await channels.find(tx, store_id, "loft") is None
        bare = await channels.configure(tx, store_id, "loft", None, NOW)
        assert (bare.installed_at, bare.configured) == (NOW, False)
        await channels.configure(tx, store_id, "loft", GIVEN, NOW)
        again = await channels.configure(tx, store_id, "loft", {"loft": "South"}, NOW)
        configured = await channels.find(tx, store_id, "loft")
    assert again.configured
    assert configured is not None
    assert configured.settings == {"loft": "South", "perches": 1, "ringCode": SECRET, "spare": None}


async def test_faults_of_settings_say_so_in_their_path(database: Database, store_id: int) -> None:
    async with database.write() as tx:
        with pytest.raises(DomainErrors) as refused:
            await installed(KEY).configure(tx, store_id, "loft", {"loft": "North"}, NOW)
    assert [fault.field for fault in refused.value.errors] == [("settings", "ringCode")]


async def test_with_another_key_a_channel_is_unavailable_until_the_lost_one_is_replaced(
    database: Database, store_id: int
) -> None:
    late = installed(OTHER)
    async with database.write() as tx:
        await installed(KEY).configure(tx, store_id, "loft", GIVEN, NOW)
        with pytest.raises(ChannelUnavailable, match="MUSTER_SECRET_KEY") as refused:
            await late.find(tx, store_id, "loft")
        (channel,) = await late.all(tx, store_id)
        problems = await late.problems(tx, store_id)
        with pytest.raises(DomainErrors, match="required"):
            await late.configure(tx, store_id, "loft", {"loft": "South"}, NOW)
        with pytest.raises(WrongSecretKey, match="replace-lost"):
            await late.configure(tx, store_id, "loft", GIVEN, NOW)
        await InstallationKeys(keys_of(OTHER)).replace(tx)
        await late.configure(tx, store_id, "loft", GIVEN, NOW)
        assert await late.problems(tx, store_id) == []
        assert await late.find(tx, store_id, "loft") is not None
    assert refused.value.code is ErrorCode.CHANNEL_UNAVAILABLE
    assert (channel.configured, channel.settings) == (True, None)
    assert ["MUSTER_SECRET_KEY" in problem for problem in problems] == [True]


FAULTS = {
    "its package is broken": (
        [Fault("doves", "lofts", "2.0", "OSError: no loft")],
        "The channel 'loft' of lofts 2.0 is left out: OSError: no loft",
    ),
    "its package is gone": (
        [Fault("pigeon", "pigeons", "1.0", "ImportError")],
        "No plugin brings the channel 'loft' any more: it was of lofts, which is not installed or blocked",
    ),
}


@pytest.mark.parametrize("what", FAULTS)
async def test_a_channel_that_no_plugin_brings_says_whose_fault_it_is(
    database: Database, store_id: int, what: str
) -> None:
    faults, problem = FAULTS[what]
    keys = InstallationKeys(keys_of(KEY))
    later = InstalledChannels(Plugins({}, faults), keys, LocalSessions(MinijinjaTemplates()))
    async with database.write() as tx:
        assert await later.find(tx, store_id, "loft") is None
        await installed(KEY).configure(tx, store_id, "loft", GIVEN, NOW)
        assert await later.problems(tx, store_id) == [problem]
        with pytest.raises(ChannelUnavailable) as unavailable:
            await later.find(tx, store_id, "loft")
    assert unavailable.value.message == problem


async def test_a_channel_of_former_times_is_known_by_the_name_of_its_plugin(database: Database, store_id: int) -> None:
    faults = [Fault("loft", "lofts", "2.0", "OSError: no loft")]
    later = InstalledChannels(Plugins({}, faults), InstallationKeys(keys_of(KEY)), LocalSessions(MinijinjaTemplates()))
    async with database.write() as tx:
        await stores.install(tx, store_id, "loft", None, NOW)
        await stores.install(tx, store_id, "cote", None, NOW)
        assert sorted(await later.problems(tx, store_id)) == [
            "No plugin brings the channel 'cote' any more",
            "The channel 'loft' of lofts 2.0 is left out: OSError: no loft",
        ]
