"""Encryption and credentials."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from muster_sdk import Accepted, Outcome, Unreachable

from channels.email.settings import EmailSettings
from channels.email.sink.server import SinkBehavior, SmtpSink
from channels.email.smtp import transport as smtp
from tests.channels.email.support import batch, send_all, settings


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "sink.pem"
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


async def send(email_settings: EmailSettings, tls: ssl.SSLContext | None = None) -> list[Outcome]:
    async with smtp.connect(email_settings, tls=tls) as transport:
        return await send_all(transport, batch(1))


def starttls(context: ssl.SSLContext) -> SinkBehavior:
    return SinkBehavior(tls=context, extensions=("PIPELINING", "STARTTLS"))


async def test_starttls(serving: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with SmtpSink(behavior=starttls(serving)) as sink:
        assert await send(settings(sink.port, security="starttls"), trusting) == [Accepted("1")]


async def test_tls_from_the_start(serving: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with SmtpSink(behavior=SinkBehavior(tls=serving, implicit_tls=True)) as sink:
        assert await send(settings(sink.port, security="tls"), trusting) == [Accepted("1")]


async def test_a_stranger_s_certificate_is_not_trusted(serving: ssl.SSLContext) -> None:
    with SmtpSink(behavior=starttls(serving)) as sink, pytest.raises(Unreachable, match="certificate"):
        await send(settings(sink.port, security="starttls"))
    with (
        SmtpSink(behavior=SinkBehavior(tls=serving, implicit_tls=True)) as sink,
        pytest.raises(Unreachable, match="certificate"),
    ):
        await send(settings(sink.port, security="tls"))


async def test_nothing_is_sent_in_plain_text_where_encryption_is_required() -> None:
    credentials = {"username": "shop", "password": "s3cret"}
    with SmtpSink() as sink:
        with pytest.raises(Unreachable, match="STARTTLS"):
            await send(settings(sink.port, security="starttls", **credentials))
        with pytest.raises(Unreachable, match="TLS"):
            await send(settings(sink.port, security="tls", **credentials))


@pytest.mark.parametrize("mechanisms", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH=PLAIN"])
async def test_credentials(mechanisms: str) -> None:
    behavior = SinkBehavior(extensions=("PIPELINING", mechanisms), credentials=("shop", "pässword"))
    with SmtpSink(behavior=behavior) as sink:
        assert await send(settings(sink.port, username="shop", password="pässword")) == [Accepted("1")]
        with pytest.raises(Unreachable, match="535") as caught:
            await send(settings(sink.port, username="shop", password="wr0ng"))
    assert "wr0ng" not in str(caught.value)
    assert "shop" not in str(caught.value)


async def test_credentials_that_the_server_cannot_take() -> None:
    with SmtpSink() as sink, pytest.raises(Unreachable, match="AUTH"):
        await send(settings(sink.port, username="shop", password="x"))
