"""Asks a mail server whether it takes what the settings send, without a message."""

import ssl

from muster_sdk import AccountReport, Unreachable, smtp_mailbox

from channels.email.settings import EmailSettings
from channels.email.smtp.connection import SmtpConnection, Timeouts
from channels.email.smtp.handshake import open_session

# A check has 20 seconds in all, and half a dozen replies to wait for.
_TIMEOUTS = Timeouts(connect=5, reply=5)
_CLOSE_SECONDS = 1


async def check(
    settings: EmailSettings, *, timeouts: Timeouts = _TIMEOUTS, tls: ssl.SSLContext | None = None
) -> AccountReport:
    """Return who the settings are at the mail server, and whether it lets their sender send. Raise Unreachable."""
    connection = (await open_session(settings, timeouts, tls)).connection
    try:
        problem = await _sender_problem(connection, smtp_mailbox(settings.from_address), timeouts)
        connection.write(b"QUIT\r\n")
        await connection.read_reply(_CLOSE_SECONDS)
    finally:
        await connection.close(_CLOSE_SECONDS)
    server = f"{settings.host}:{settings.port}"
    account = server if settings.username is None else f"{settings.username} at {server}"
    return AccountReport(account, [] if problem is None else [problem])


async def _sender_problem(connection: SmtpConnection, sender: str, timeouts: Timeouts) -> str | None:
    """Return why the server takes no mail of the sender; a mail that is begun and given up reaches nobody."""
    connection.write(f"MAIL FROM:<{sender}>\r\n".encode())
    reply = await connection.read_reply(timeouts.reply)
    if reply is None:
        raise Unreachable(connection.failure or "The mail server did not answer")
    connection.write(b"RSET\r\n")
    await connection.read_reply(timeouts.reply)
    if reply.is_positive:
        return None
    return f"The mail server takes no mail from {sender}: {reply}. Allow this sender there, or set another fromAddress"
