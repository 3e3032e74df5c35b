"""Tests of what a channel says of itself: its name, its abilities, its settings and its content."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from pydantic import BaseModel, ValidationError

from muster_sdk.abilities import unfulfilled
from muster_sdk.channel import AddressKind, Capabilities
from muster_sdk.errors import ContentInvalid
from muster_sdk.testing.failure import expect, fail, leave_out
from muster_sdk.testing.http_double import HttpDouble
from muster_sdk.testing.secrecy import secrets_of
from muster_sdk.testing.subject import ContractSubject
from muster_sdk.testing.trial import Trial, TrialPlan, composer_of

_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SECRET_NAMES = re.compile(r"token|secret|password|passwd|api_?key|private_?key|credential", re.IGNORECASE)
_SHORTEST_SECRET = 8


class DescriptionChecks(ContractSubject):
    """Tests of what the channel says of itself."""

    def test_it_names_itself(self) -> None:
        channel = self.channel
        expect(
            isinstance(cast("object", channel.key), str) and _KEY.fullmatch(channel.key),
            f"The key is {channel.key!r}",
            "A key has lower-case letters, digits and hyphens between them, as 'pigeon-post', and never changes",
        )
        for name in ("label", "version"):
            value: object = getattr(channel, name)
            expect(
                isinstance(value, str) and 0 < len(value) <= 64 and value.isprintable(),
                f"The {name} is {value!r}",
                f"A {name} is one line of 64 characters at most",
            )
        expect(
            isinstance(cast("object", channel.address), AddressKind),
            f"The address is {channel.address!r}",
            "It is an AddressKind: EMAIL, PHONE or HANDLE",
        )
        expect(
            isinstance(cast("object", channel.capabilities), Capabilities),
            f"The capabilities are a {type(channel.capabilities).__name__}",
            "They are muster_sdk.Capabilities",
        )

    def test_it_does_what_its_capabilities_declare(self) -> None:
        faults = unfulfilled(self.channel)
        expect(not faults, "; ".join(faults), "Declare what the channel has methods for, and have what it declares")

    @pytest.mark.parametrize("model", ["settings", "content"])
    def test_its_models_are_json_schemas(self, model: str) -> None:
        schema = self._schema(model)
        expect(
            schema.get("additionalProperties") is False,
            f"The model of {model} takes keys that it does not know",
            'Refuse them with ConfigDict(extra="forbid"): a misspelt key is then no silent mistake',
        )

    def test_its_secrets_are_marked(self) -> None:
        names = [
            name
            for name, schema in self._schema("settings").get("properties", {}).items()
            if _SECRET_NAMES.search(name) and "string" in str(schema) and "writeOnly" not in str(schema)
        ]
        expect(not names, f"{', '.join(names)} can be read in the settings", "A secret is a SecretStr")
        with Trial(self).opened() as trial:
            short = [secret for secret in secrets_of(trial.settings) if len(secret) < _SHORTEST_SECRET]
        expect(
            not short,
            "A secret in good_settings is too short to be searched for",
            f"Give each {_SHORTEST_SECRET} characters at least, which are in nothing else",
        )

    def test_its_provider_can_be_elsewhere(self) -> None:
        if not isinstance(self.provider(), HttpDouble):
            leave_out("its provider is not spoken to by HTTP")
        names = set(self._schema("settings").get("properties", {}))
        expect(
            names & {"api_base_url", "apiBaseUrl"},
            "The settings have no api_base_url",
            "A channel by HTTP has it, with the provider's address as its default: tests are reached by it",
        )

    def test_good_settings_are_taken(self) -> None:
        trial = Trial(self)
        try:
            with trial.opened():
                pass
        except ValidationError as error:
            fail(f"good_settings are refused: {_summary(error)}", "Give settings that the channel takes")

    def test_bad_settings_are_refused(self) -> None:
        expect(self.bad_settings, "bad_settings are empty", "Give settings that the channel refuses, one at least")
        for values, path in self.bad_settings:
            _expect_refused(
                "settings", values, path, lambda values=values: self.channel.settings.model_validate(values)
            )

    def test_good_content_is_taken(self) -> None:
        with Trial(self).opened() as trial:
            for settings in (trial.settings, None):
                try:
                    composer_of(self, settings)
                except Exception as error:  # noqa: BLE001 - an author's code: the test says so
                    where = "in the sandbox, without settings" if settings is None else "with good settings"
                    fail(
                        f"prepare refuses the good content {where}: {type(error).__name__}: {error}",
                        "Good content is prepared with settings and without: in the sandbox they are None",
                    )

    def test_bad_content_is_refused(self) -> None:
        expect(self.bad_content, "bad_content is empty", "Give content that the channel refuses, one at least")
        with Trial(self, TrialPlan()).opened() as trial:
            for values, path in self.bad_content:
                prepare = lambda values=values: composer_of(self, trial.settings, values)  # noqa: E731 - of this turn
                _expect_refused("content", values, path, prepare)

    def _schema(self, model: str) -> Mapping[str, Any]:
        kind: type[BaseModel] = getattr(self.channel, model)
        try:
            return kind.model_json_schema()
        except Exception as error:  # noqa: BLE001 - pydantic has several for it
            fail(f"The model of {model} has no JSON Schema: {error}", "Use fields that JSON has")


def _expect_refused(
    what: str, values: Mapping[str, Any], path: tuple[str | int, ...], check: Callable[[], object]
) -> None:
    try:
        check()
    except ValidationError as error:
        found = [tuple(fault["loc"]) for fault in error.errors()]
        reasons = [fault["msg"] for fault in error.errors()]
    except ContentInvalid as error:
        found, reasons = [error.path], [error.message]
    except Exception as error:  # noqa: BLE001 - whatever else it raises is wrong
        fail(
            f"The bad {what} {_short(values)} raised {type(error).__name__}: {error}",
            "A model refuses values by ValidationError, and prepare refuses content by ContentInvalid with its path",
        )
    else:
        fail(f"The bad {what} {_short(values)} is taken", f"It is refused, with the path {path}")
    expect(
        any(one[: len(path)] == path for one in found),
        f"The bad {what} {_short(values)} is refused at {' and '.join(map(str, found))}",
        f"Its error leads to {path}, in the names of the JSON",
    )
    expect(all(reason.strip() for reason in reasons), f"The bad {what} is refused without a reason", "Say why")


def _summary(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())


def _short(values: object) -> str:
    text = repr(values)
    return text if len(text) <= 100 else f"{text[:100]}…"
