"""A channel with an account at a provider that speaks HTTP: connected by OAuth, tested, renewed, with audiences."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from muster_sdk import (
    AccountReport,
    AddressKind,
    AudienceMember,
    Authorization,
    Capabilities,
    Channel,
    Composer,
    ContentInvalid,
    Host,
    HttpAnswer,
    KeptAudience,
    NoAnswer,
    NotConnected,
    Templates,
    Transport,
    Unreachable,
    hookimpl,
)
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.alias_generators import to_camel


class Settings(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    api_base_url: str
    client_id: str
    access_token: SecretStr
    note: str = Field(default="", max_length=20)


class Content(BaseModel):
    text: str = "Coo"


async def ask(host: Host, settings: Settings | Mapping[str, Any], method: str, path: str, **parts: Any) -> HttpAnswer:
    plain = settings if isinstance(settings, Mapping) else settings.model_dump(by_alias=True)
    token = plain.get("accessToken")
    secret = token.get_secret_value() if isinstance(token, SecretStr) else token
    try:
        url = f"{plain['apiBaseUrl']}{path}"
        answer = await host.http.request(method, url, headers={"Authorization": f"Bearer {secret}"}, **parts)
    except (NotConnected, NoAnswer) as error:
        raise Unreachable(str(error)) from error
    if answer.status >= 400:
        raise Unreachable(f"The loft answered {answer.status}")
    return answer


@dataclass(frozen=True)
class Pigeon:
    key: str = "pigeon"
    label: str = "Pigeon"
    version: str = "1.0"
    address: AddressKind = AddressKind.EMAIL
    settings: type[BaseModel] = Settings
    content: type[BaseModel] = Content
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            max_batch=2, connection_check=True, oauth=True, audience_sync=True, periodic=timedelta(hours=1)
        )
    )

    def prepare(self, content: Content, settings: Settings | None, templates: Templates) -> Composer:
        raise NotImplementedError

    def connect(self, settings: Settings, host: Host) -> AbstractAsyncContextManager[Transport]:
        raise NotImplementedError

    async def check(self, settings: Settings, host: Host) -> AccountReport:
        me = (await ask(host, settings, "GET", "/me")).json()
        return AccountReport(me["name"], me["problems"])

    def authorization_url(self, settings: Mapping[str, Any], redirect_url: str, state: str) -> str:
        if "clientId" not in settings:
            raise ContentInvalid("A loft has a client ID", ("clientId",))
        query = {"client_id": settings["clientId"], "redirect_uri": redirect_url, "state": state}
        return f"{settings['apiBaseUrl']}/authorize?{urlencode(query)}"

    async def authorize(
        self, settings: Mapping[str, Any], authorization: Authorization, host: Host
    ) -> Mapping[str, Any]:
        form = {"code": authorization.code, "redirect_uri": authorization.redirect_url}
        host.state.put("connected", True)
        return {"accessToken": (await ask(host, settings, "POST", "/token", form=form)).json()["access_token"]}

    async def work(self, settings: Settings, host: Host) -> Mapping[str, Any] | None:
        host.state.put("works", host.state.get("works", 0) + 1)
        changed: dict[str, Any] | None = (await ask(host, settings, "POST", "/renew")).json()
        return changed

    async def open_audience(self, audience: KeptAudience, settings: Settings, host: Host) -> str:
        opened = {"name": audience.name, "size": audience.size}
        return str((await ask(host, settings, "PUT", f"/lists/{audience.key}", json=opened)).json()["id"])

    async def add_members(
        self, provider_id: str, members: Sequence[AudienceMember], settings: Settings, host: Host
    ) -> None:
        added = [{"to": member.address, "variables": member.variables} for member in members]
        await ask(host, settings, "POST", f"/lists/{provider_id}/members", json=added)

    async def close_audience(self, provider_id: str, settings: Settings, host: Host) -> None:
        await ask(host, settings, "POST", f"/lists/{provider_id}/close")


@hookimpl
def register_channels() -> list[Channel]:
    return [Pigeon()]
