"""Opens an SMTP session: connection, encryption, who is there, who we are."""

import asyncio
import ssl
from base64 import b64encode
from functools import cache

from muster_sdk import Unreachable

from channels.email import addresses
from channels.email.settings import EmailSettings, Security
from channels.email.smtp.connection import Reply, SmtpConnection, Timeouts
from channels.email.smtp.session import SmtpSession


async def open_session(settings: EmailSettings, patience: Timeouts, tls: ssl.SSLContext | None = None) -> SmtpSession:
    """Raises Unreachable, without the credentials in its words."""
    context = None if settings.security is Security.NONE else tls or _trusting_the_system()
    wire = await _connected(settings, patience, context)
    try:
        offers = await _introduced(wire, settings, patience, context)
    except BaseException:
        wire.fail("given up")
        await wire.close(1)
        raise
    return SmtpSession(wire, offers, addresses.on_the_wire(settings.from_address), patience)


@cache
def _trusting_the_system() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _connected(settings: EmailSettings, patience: Timeouts, context: ssl.SSLContext | None) -> SmtpConnection:
    implicit = context if settings.security is Security.TLS else None
    where = f"{settings.host}:{settings.port}"
    try:
        async with asyncio.timeout(patience.connect):
            _, wire = await asyncio.get_running_loop().create_connection(
                SmtpConnection,
                settings.host,
                settings.port,
                ssl=implicit,
                server_hostname=settings.host if implicit else None,
            )
    except TimeoutError:
        raise Unreachable(f"{where} did not answer in time.") from None
    except ssl.SSLError as error:
        raise Unreachable(_tls_fault(where, error)) from None
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{where} cannot be reached: {_reason(error)}.") from None
    return wire


async def _introduced(
    wire: SmtpConnection, settings: EmailSettings, patience: Timeouts, context: ssl.SSLContext | None
) -> frozenset[str]:
    _expect(await wire.reply(patience.reply), wire, "refuses service")
    offers = await _ehlo(wire, patience)
    if settings.security is Security.STARTTLS:
        assert context is not None
        await _encrypt(wire, settings, patience, context, offers)
        offers = await _ehlo(wire, patience)
    if settings.username is not None and settings.password is not None:
        await _authenticate(wire, patience, settings.username, settings.password.get_secret_value(), offers)
    return frozenset(line.partition(" ")[0] for line in offers)


async def _ask(wire: SmtpConnection, patience: Timeouts, command: str) -> Reply | None:
    wire.write(f"{command}\r\n".encode())
    return await wire.reply(patience.reply)


def _expect(reply: Reply | None, wire: SmtpConnection, fault: str) -> Reply:
    if reply is None:
        raise Unreachable(wire.broken or "The mail server did not answer.")
    if reply.is_refusal:
        raise Unreachable(f"The mail server {fault}: {reply}")
    return reply


async def _ehlo(wire: SmtpConnection, patience: Timeouts) -> list[str]:
    reply = _expect(await _ask(wire, patience, f"EHLO {wire.local_host}"), wire, "refuses to talk")
    return [line.upper() for line in reply.text.split("\n")[1:]]


async def _encrypt(
    wire: SmtpConnection, settings: EmailSettings, patience: Timeouts, context: ssl.SSLContext, offers: list[str]
) -> None:
    if "STARTTLS" not in offers:
        raise Unreachable("The mail server offers no STARTTLS: choose another port, or tls or none as security.")
    _expect(await _ask(wire, patience, "STARTTLS"), wire, "refuses STARTTLS")
    if not wire.is_quiet:
        raise Unreachable("The mail server went on in plain text after STARTTLS.")
    where = f"{settings.host}:{settings.port}"
    try:
        await wire.secure(context, settings.host, patience.connect)
    except ssl.SSLError as error:
        raise Unreachable(_tls_fault(where, error)) from None
    except OSError as error:
        raise Unreachable(f"{where} broke off the encryption: {_reason(error)}.") from None


async def _authenticate(
    wire: SmtpConnection, patience: Timeouts, username: str, password: str, offers: list[str]
) -> None:
    ways = {way for line in offers if line.startswith(("AUTH ", "AUTH=")) for way in line[5:].split()}
    if "PLAIN" in ways:
        initial = _coded(f"\0{username}\0{password}")
        reply = await _ask(wire, patience, f"AUTH PLAIN {initial}")
    elif "LOGIN" in ways:
        await _ask(wire, patience, "AUTH LOGIN")
        await _ask(wire, patience, _coded(username))
        reply = await _ask(wire, patience, _coded(password))
    else:
        raise Unreachable("The mail server offers neither AUTH PLAIN nor AUTH LOGIN here.")
    if reply is None:
        raise Unreachable(wire.broken or "The mail server did not answer.")
    if reply.code != 235:
        raise Unreachable(f"The mail server refuses the username and password ({reply.code}).")


def _coded(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _tls_fault(where: str, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{where} has a certificate that cannot be trusted: {error.verify_message}."
    return f"{where} does not speak TLS as expected: check port and security."


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
