"""Opens an SMTP session: connection, greeting, encryption and authentication."""

import asyncio
import ssl
from base64 import b64encode
from functools import cache

from muster_sdk import Unreachable, smtp_mailbox

from channels.email.settings import EmailSettings, Security
from channels.email.smtp.connection import Reply, SmtpConnection, Timeouts
from channels.email.smtp.session import SmtpSession

_system_trust = cache(ssl.create_default_context)


async def open_session(settings: EmailSettings, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> SmtpSession:
    """Return an authenticated session. Raise Unreachable, whose text never holds the credentials."""
    context = None if settings.security is Security.NONE else tls or _system_trust()
    connection = await _connect(settings, timeouts, context)
    try:
        _check(await connection.read_reply(timeouts.reply), connection, "refuses service")
        extensions = await _ehlo(connection, timeouts)
        if settings.security is Security.STARTTLS:
            assert context is not None
            await _start_tls(connection, settings, timeouts, context, extensions)
            extensions = await _ehlo(connection, timeouts)
        if settings.username is not None and settings.password is not None:
            password = settings.password.get_secret_value()
            await _authenticate(connection, timeouts, settings.username, password, extensions)
    except BaseException:
        connection.abort("given up")
        await connection.close(1)
        raise
    keywords = frozenset(extension.partition(" ")[0] for extension in extensions)
    return SmtpSession(connection, keywords, smtp_mailbox(settings.from_address), timeouts)


async def _connect(settings: EmailSettings, timeouts: Timeouts, context: ssl.SSLContext | None) -> SmtpConnection:
    implicit_tls = context if settings.security is Security.TLS else None
    server = f"{settings.host}:{settings.port}"
    try:
        async with asyncio.timeout(timeouts.connect):
            _, connection = await asyncio.get_running_loop().create_connection(
                SmtpConnection,
                settings.host,
                settings.port,
                ssl=implicit_tls,
                server_hostname=settings.host if implicit_tls else None,
            )
    except ssl.SSLError as error:
        raise Unreachable(_tls_problem(server, error)) from None
    except (OSError, UnicodeError) as error:
        # The same words for a port that is closed, silent or forbidden: they would draw a map of our network.
        raise Unreachable(f"{server} cannot be reached: check host and port") from error
    return connection


async def _start_tls(
    connection: SmtpConnection,
    settings: EmailSettings,
    timeouts: Timeouts,
    context: ssl.SSLContext,
    extensions: list[str],
) -> None:
    if "STARTTLS" not in extensions:
        raise Unreachable("The mail server offers no STARTTLS: choose another port, or tls or none as security")
    _check(await _command(connection, timeouts, "STARTTLS"), connection, "refuses STARTTLS")
    # What arrived in plain text would be read as if it were encrypted (RFC 3207, CVE-2011-0411).
    if not connection.is_idle:
        raise Unreachable("The mail server continued in plain text after STARTTLS")
    server = f"{settings.host}:{settings.port}"
    try:
        await connection.start_tls(context, settings.host, timeouts.connect)
    except ssl.SSLError as error:
        raise Unreachable(_tls_problem(server, error)) from None
    except OSError as error:
        raise Unreachable(f"{server} broke off the encryption: {_reason(error)}") from None


async def _authenticate(
    connection: SmtpConnection, timeouts: Timeouts, username: str, password: str, extensions: list[str]
) -> None:
    mechanisms = {
        mechanism
        for extension in extensions
        if extension.startswith(("AUTH ", "AUTH="))
        for mechanism in extension[5:].split()
    }
    if "PLAIN" in mechanisms:
        initial_response = _base64(f"\0{username}\0{password}")
        reply = await _command(connection, timeouts, f"AUTH PLAIN {initial_response}")
    elif "LOGIN" in mechanisms:
        await _command(connection, timeouts, "AUTH LOGIN")
        await _command(connection, timeouts, _base64(username))
        reply = await _command(connection, timeouts, _base64(password))
    else:
        raise Unreachable("The mail server offers neither AUTH PLAIN nor AUTH LOGIN here")
    if reply is None:
        raise Unreachable(connection.failure or "The mail server did not answer")
    if reply.code != 235:
        # Not the reply's text: it may repeat the username.
        raise Unreachable(f"The mail server refuses the username and password ({reply.code})")


async def _ehlo(connection: SmtpConnection, timeouts: Timeouts) -> list[str]:
    """Return the extensions that the server offers, each with its parameters, in capitals."""
    reply = await _command(connection, timeouts, f"EHLO {connection.address_literal}")
    return [line.upper() for line in _check(reply, connection, "refuses EHLO").text.split("\n")[1:]]


async def _command(connection: SmtpConnection, timeouts: Timeouts, command: str) -> Reply | None:
    connection.write(f"{command}\r\n".encode())
    return await connection.read_reply(timeouts.reply)


def _check(reply: Reply | None, connection: SmtpConnection, problem: str) -> Reply:
    """Return the reply. Raise Unreachable when there is none, or a negative one."""
    if reply is None:
        raise Unreachable(connection.failure or "The mail server did not answer")
    if reply.is_negative:
        raise Unreachable(f"The mail server {problem}: {reply}")
    return reply


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode("ascii")


def _tls_problem(server: str, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{server} has a certificate that is not trusted: {error.verify_message}"
    return f"{server} does not speak TLS as expected: check port and security"


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
