"""The door for webhooks: the channel's code says whose a request is, and what was answered is stored."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from muster_sdk import ReceiptKind as Kind
from muster_sdk import WebhookAnswer, WebhookRequest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from api.http.webhooks import Busy, Turnstile
from domain.channels import states
from domain.deliveries.tables import conversations
from domain.receipts.tables import receipts
from domain.sessions import calls
from domain.sessions.calls import ChannelCall
from domain.stores.tables import channel_installations
from tests.api.http.courier_stage import CourierStage, courier_stage, event, forged, signed
from tests.factories import NOW

BODY = json.dumps({"events": [event(Kind.DELIVERED, provider_id="m1")]}).encode()


@pytest.fixture
async def courier(database_url: str, tmp_path: Path) -> AsyncIterator[CourierStage]:
    async with courier_stage(database_url, tmp_path) as stage:
        yield stage


async def stored(courier: CourierStage) -> int:
    async with courier.database.read() as tx:
        number: int = await tx.scalar(select(func.count()).select_from(receipts))
        return number


async def test_what_a_provider_tells_is_stored_and_answered(courier: CourierStage) -> None:
    inbound = [{"from": "Ann@Shop.example", "at": NOW.isoformat()}]
    for _ in range(5):
        answer = await courier.tell(event(Kind.DELIVERED, provider_id="m1"), inbound=inbound)
        assert (answer.status_code, answer.text) == (200, "ok")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert await stored(courier) == 1
    async with courier.database.read() as tx:
        assert await states.load(tx, courier.store_id, "courier") == {"webhooks": 5}
        assert (await tx.execute(select(conversations.c.address))).scalars().all() == ["ann@shop.example"]


async def test_a_handshake_is_echoed(courier: CourierStage) -> None:
    async with courier.client() as client:
        answer = await client.get(f"{courier.url}?challenge=%3Cb%3E42&challenge=43")
    assert (answer.status_code, answer.text) == (200, "43")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_stranger_gets_no_reason(courier: CourierStage) -> None:
    old = NOW - timedelta(minutes=6)
    refused = [{}, forged(signed(BODY)), signed(BODY, secret="another"), signed(BODY, old), signed(b"{}")]
    with capture_logs() as logs:
        for headers in refused:
            async with courier.client() as client:
                answer = await client.post(courier.url, content=BODY, headers=headers)
            assert (answer.status_code, answer.text) == (401, "")
    reasons = [line["reason"] for line in logs if line["event"] == "webhook_refused"]
    assert reasons == ["the signature is another's"] * 3 + ["it is too old", "the signature is another's"]
    assert await stored(courier) == 0


@pytest.mark.parametrize(
    "url",
    ["/webhooks/courier/x", "/webhooks/email/{token}", "/webhooks/nobody/{token}", "/webhooks/courier/{token}x",
     "/webhooks/courier/%00", "/webhooks/courier/%FF"],
)  # fmt: skip
async def test_an_unknown_address_is_not_found(courier: CourierStage, url: str) -> None:
    token = courier.url.rpartition("/")[2]
    answer = await courier.post({}, url=url.format(token=token))
    assert answer.status_code == 404


async def test_a_channel_that_was_never_configured_takes_none(courier: CourierStage) -> None:
    async with courier.database.write() as tx:
        await tx.execute(update(channel_installations).values(settings=None))
    assert (await courier.post({})).status_code == 404


async def test_a_body_is_bounded(courier: CourierStage) -> None:
    for size, status in ((1_000_000, 401), (1_000_001, 413)):
        async with courier.client() as client:
            assert (await client.post(courier.url, content=b" " * size)).status_code == status


@pytest.mark.slow
@pytest.mark.parametrize("misdeed", ["raise", "hang"])
async def test_what_breaks_is_repeated_and_named(
    courier: CourierStage, misdeed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_webhook = calls.read_webhook

    def read_soon(request: WebhookRequest) -> ChannelCall[WebhookAnswer]:
        return replace(read_webhook(request), seconds=2)

    monkeypatch.setattr(calls, "read_webhook", read_soon)
    with capture_logs() as logs:
        answer = await courier.post({"misdeed": misdeed})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    [line] = [line for line in logs if line["event"] == "webhook_not_read"]
    assert "courier" in line["error"]
    assert "secret" not in str(logs) + answer.text
    assert (await courier.tell(event(Kind.DELIVERED, provider_id="m1"))).status_code == 200


async def test_a_wrong_moment_is_repeated_too(courier: CourierStage) -> None:
    assert (await courier.post({"events": [{"kind": "NOTHING", "at": "?"}]})).status_code == 503


@pytest.mark.parametrize(
    ("answer", "status"),
    [({"status": 202}, 202), ({"status": 500}, 200), ({"type": "text/html"}, 200), ({"type": "a\r\nb: c"}, 200)],
)
async def test_an_answer_is_the_channels_within_bounds(
    courier: CourierStage, answer: dict[str, object], status: int
) -> None:
    told = await courier.post({"events": [event(Kind.DELIVERED, provider_id="m1")], **answer})
    assert told.status_code == status
    assert told.text == ("ok" if status == 202 else "")
    assert await stored(courier) == 1


async def test_hostile_words_are_stored_or_left_out(courier: CourierStage) -> None:
    answer = await courier.tell(
        event(Kind.FAILED, provider_id="m\x001", reason="\x00" + "r" * 9_999),
        event(Kind.CLICKED, provider_id="m1" * 999, url="u" * 9_999),
        {"kind": "OPENED", "at": "0001-01-01T00:00:00", "provider_id": "m2"},
        {"kind": "OPENED", "at": "9999-12-31T23:59:59-14:00", "provider_id": "m3"},
        event(Kind.OPENED),
        inbound=[{"from": "\x00", "at": NOW.isoformat()}, {"from": "a" * 9_999, "at": NOW.isoformat()}],
    )
    assert answer.status_code == 200
    assert await stored(courier) == 4


@pytest.mark.slow
async def test_a_burst_is_stored_whole_by_a_provider_that_repeats(courier: CourierStage) -> None:
    """P28."""
    refused = 0
    async with courier.client() as client:

        async def tell(number: int) -> None:
            nonlocal refused
            body = json.dumps({"events": [event(Kind.OPENED, provider_id=f"m{number}")]}).encode()
            headers = signed(body)
            while (answer := await client.post(courier.url, content=body, headers=headers)).status_code != 200:
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                refused += 1
                await asyncio.sleep(0.5)

        await asyncio.gather(*(tell(number) for number in range(1_000)))
    assert await stored(courier) == 1_000
    assert refused >= 800, "more than there are places come at once"


async def test_a_turnstile_lets_few_in_and_few_wait() -> None:
    turnstile = Turnstile(readers=1, places=2, patience=0.05)
    with turnstile.place("slow"), turnstile.place("slow"):
        with pytest.raises(Busy), turnstile.place("slow"):
            pass
        # Another channel has its own.
        with turnstile.place("quick"):
            pass
        async with turnstile.turn("slow"):
            with pytest.raises(Busy):
                async with turnstile.turn("slow"):
                    pass
        async with turnstile.turn("slow"):
            pass
    with turnstile.place("slow"):
        pass
