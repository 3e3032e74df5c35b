"""A pooler of a test's own between Muster and its PostgreSQL."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from tests.cluster import programs
from tests.cluster.postgres import USER, Server
from tests.journeys.processes import answers, free_port, wait_for

# What PgBouncer refuses at the start of a connection, and many an operator has it ignore.
IGNORED = (
    "jit,statement_timeout,idle_in_transaction_session_timeout,"
    "tcp_keepalives_idle,tcp_keepalives_interval,tcp_keepalives_count,tcp_user_timeout"
)


@contextmanager
def pgbouncer(server: Server, folder: Path, *, ignored: str = "", connections: int = 3) -> Generator[str]:
    """PgBouncer in transaction mode with so few connections that clients share them: where it answers."""
    port = free_port()
    settings = folder / "pgbouncer.ini"
    users = folder / "users.txt"
    users.write_text(f'"{USER}" ""\n')
    settings.write_text(
        f"[databases]\n* = host={server.host} port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {users}\npool_mode = transaction\n"
        f"default_pool_size = {connections}\nmax_client_conn = 200\n"
        + (f"ignore_startup_parameters = {ignored}\n" if ignored else "")
    )
    with programs.running("pgbouncer", str(settings), log=folder / "pgbouncer.log", user=USER):
        wait_for(lambda: answers(port), "PgBouncer does not answer")
        yield make_url(server.url).set(host="127.0.0.1", port=port).render_as_string()
