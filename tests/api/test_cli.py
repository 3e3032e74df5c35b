"""The commands, run as processes."""

import asyncio
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api import cli
from domain.kit.db import Database
from domain.migrations.tables import metadata
from tests.api.commands import Done, muster


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    assert muster("migrate", cwd=folder).returncode == 0
    return folder / "muster.db"


@pytest.fixture
def migrated(template: Path, tmp_path: Path) -> Path:
    shutil.copy(template, tmp_path)
    return tmp_path


def test_an_empty_database_gets_a_first_store_once(tmp_path: Path) -> None:
    assert "Store 1" in muster("migrate", cwd=tmp_path).stdout
    second = muster("migrate", cwd=tmp_path)
    assert second.returncode == 0
    assert "Store" not in second.stdout


def test_a_token_stands_alone_on_the_last_line(migrated: Path) -> None:
    done = muster("token", "create", "--scopes", "read,write", cwd=migrated)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("muster_")


def test_a_token_is_listed_until_it_is_revoked(migrated: Path) -> None:
    expiring = ("token", "create", "--scopes", "read,send", "--name", "The [b]till", "--expires", "90d")
    assert muster(*expiring, cwd=migrated).returncode == 0
    listed = muster("token", "list", cwd=migrated, COLUMNS="200").stdout.splitlines()
    assert len(listed) == 2
    token_id, row = listed[1].split()[0], listed[1]
    assert "The [b]till" in row
    assert "read,send" in row
    revoked = muster("token", "revoke", token_id, cwd=migrated)
    assert (revoked.returncode, "The [b]till" in revoked.stdout) == (0, True)
    assert len(muster("token", "list", cwd=migrated).stdout.splitlines()) == 1
    again = muster("token", "revoke", token_id, cwd=migrated)
    assert (again.returncode, again.stderr) == (1, "muster: There is no such token\n")


def test_what_commands_change_is_on_record_as_the_users(migrated: Path) -> None:
    (migrated / "good.csv").write_text("external_id,email\na,ann@example.com\n")
    assert muster("token", "create", "--scopes", "read", "--name", "The till", cwd=migrated).returncode == 0
    token_id = muster("token", "list", cwd=migrated, COLUMNS="200").stdout.splitlines()[1].split()[0]
    assert muster("token", "revoke", token_id, cwd=migrated).returncode == 0
    assert muster("import", "customers", "good.csv", cwd=migrated).returncode == 0
    assert muster("resume", cwd=migrated).returncode == 0
    assert muster("store", "create", "--name", "Tea", "--timezone", "UTC", cwd=migrated).returncode == 0
    with closing(sqlite3.connect(migrated / "muster.db")) as database:
        rows = database.execute(
            "SELECT store_id, action, actor, actor_name, subject_type, asked, before, after"
            " FROM audit_entries ORDER BY at"
        ).fetchall()
    user = pwd.getpwuid(os.getuid()).pw_name
    assert {row[2:4] for row in rows} == {("COMMAND_LINE", user)}
    till = '{"name":"The till","scopes":["read"],"expiresAt":null}'
    assert [(*row[:2], *row[4:]) for row in rows] == [
        (1, "storeCreate", "Store", None, None, '{"name":"My store","timezone":"UTC","currency":"USD"}'),
        (1, "apiTokenCreate", "ApiToken", None, None, till),
        (1, "apiTokenRevoke", "ApiToken", None, till, None),
        (1, "customersImport", "Operation", '{"file":{"bytes":36}}', None, None),
        (2, "storeCreate", "Store", None, None, '{"name":"Tea","timezone":"UTC","currency":"USD"}'),
    ]


def test_a_store_is_created_and_a_token_for_it(migrated: Path) -> None:
    created = muster("store", "create", "--name", "Tea", "--timezone", "Asia/Taipei", cwd=migrated)
    assert (created.returncode, created.stdout.splitlines()[-1]) == (0, "2")
    assert muster("token", "create", "--scopes", "admin", "--store", "2", cwd=migrated).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["store", "create", "--name", "X", "--timezone", "Mars/Olympus"], "Mars/Olympus", 1),
        (["token", "create", "--scopes", "everything"], "everything", 1),
        (["token", "create", "--scopes", ""], "scope", 1),
        (["token", "create", "--scopes", "read", "--expires", "soon"], "90d", 1),
        (["token", "create", "--scopes", "read", "--expires", "2026-01-01"], "is over", 1),
        (["token", "revoke", "7"], "UUID", 2),
        (["token", "create", "--scopes", "read", "--store", "9"], "no store 9", 1),
        (["work"], "MUSTER_BROKER_URL", 2),
        (["serve", "--port", "99999"], "65535", 2),
    ],
)
def test_an_invalid_argument_is_one_line(migrated: Path, arguments: list[str], message: str, status: int) -> None:
    done = muster(*arguments, cwd=migrated)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "message", "status"),
    [
        ("mysql://h/d", "MUSTER_DATABASE_URL", 2),
        ("postgresql://127.0.0.1:1/d", "does not answer", 3),
        ("sqlite:///empty.db", "muster migrate", 3),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path, url: str, message: str, status: int) -> None:
    done = muster("token", "create", "--scopes", "read", cwd=tmp_path, MUSTER_DATABASE_URL=url)
    assert done.returncode == status
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


COMMANDS = (
    ("store", "create", "--name", "Tea", "--timezone", "UTC"),
    ("token", "create", "--scopes", "read"),
    ("import", "customers", "customers.csv"),
    ("import", "orders", "orders.csv"),
)


def assert_unavailable(done: Done, reason: str) -> None:
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("muster: The database does not answer: ")
    assert reason in done.stderr.splitlines()[-1]


def write_files(folder: Path) -> None:
    (folder / "customers.csv").write_text("external_id\nann\n")
    (folder / "orders.csv").write_text("order_id,customer_external_id,placed_at,total,product,quantity,price\n")


@pytest.mark.slow
def test_a_locked_file_is_one_line(migrated: Path) -> None:
    """It waits for the lock as long as it does for anybody's, which takes a while: all commands at a time."""
    with (
        ThreadPoolExecutor() as threads,
        closing(sqlite3.connect(migrated / "muster.db", isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        running: list[Future[Done]] = []
        for command in COMMANDS:
            folder = migrated / "-".join(command[:2])
            folder.mkdir()
            write_files(folder)
            url = f"sqlite:///{migrated / 'muster.db'}"
            running.append(threads.submit(muster, *command, cwd=folder, MUSTER_DATABASE_URL=url))
        for started in running:
            assert_unavailable(started.result(), "database is locked")
        counts = [
            other.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in ("stores", "api_tokens", "operations")
        ]
    assert counts == [1, 0, 0]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_locked_table_is_one_line(
    database: Database, database_url: str, store_id: int, tmp_path: Path, command: Sequence[str]
) -> None:
    write_files(tmp_path)
    name = make_url(database_url).database
    async with database.write() as tx:
        await tx.execute(text(f"ALTER DATABASE {name} SET lock_timeout = 50"))
    try:
        async with database.write() as tx:
            await tx.execute(text(f"LOCK TABLE {', '.join(metadata.tables)} IN EXCLUSIVE MODE"))
            done = await asyncio.to_thread(muster, *command, cwd=tmp_path, MUSTER_DATABASE_URL=database_url)
    finally:
        async with database.write() as tx:
            await tx.execute(text(f"ALTER DATABASE {name} RESET lock_timeout"))
    assert_unavailable(done, "lock timeout")


@pytest.mark.parametrize("error", [TimeoutError(), PoolTimeout("no connection is free\nsee the documentation")])
def test_a_fault_without_a_text_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_doctor_passes_a_new_database(migrated: Path) -> None:
    done = muster("doctor", cwd=migrated)
    assert done.returncode == 0, done.stdout


def test_the_doctor_says_what_to_do_about_an_empty_database(tmp_path: Path) -> None:
    done = muster("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert "muster migrate" in done.stdout


def test_a_file_is_imported_without_its_bad_rows(migrated: Path) -> None:
    (migrated / "good.csv").write_text("external_id,email\na,ann@example.com\nb,bob@example.com\n")
    (migrated / "bad.csv").write_text("external_id,birthday\nc,1990-01-01\nd,1990-13-01\n,1990-01-01\n")
    good = muster("import", "customers", "good.csv", cwd=migrated)
    bad = muster("import", "customers", "bad.csv", cwd=migrated)
    assert (good.returncode, bad.returncode) == (0, 1)
    assert "2 of 2 rows were imported" in good.stderr
    assert "row 3: birthday" in bad.stderr
    assert "row 4: " in bad.stderr
    assert "2 of 3 rows were imported" in bad.stderr


def test_all_problems_of_a_file_are_written_to_another(migrated: Path) -> None:
    rows = "".join(f"c{number},31/12/1990,NT$5\n" for number in range(1_500))
    (migrated / "bad.csv").write_text(f"external_id,birthday,country\n6.2E+11,,\n{rows}c,1/2/1990,TW\n")
    wrong = muster("import", "customers", "bad.csv", "--date-order", "DDMM", cwd=migrated)
    assert "There is no order of dates 'DDMM': there are YMD, DMY, MDY" in wrong.stderr
    done = muster("import", "customers", "bad.csv", "--problems", "problems.csv", cwd=migrated)
    assert done.returncode == 1
    assert "1501 of 1502 rows were imported" in done.stderr
    lines = (migrated / "problems.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + 1 + 1_500
    assert lines[1].startswith("2,external_id,6.2E+11,")
    assert lines[1].endswith(",ROW_REFUSED")
    dated = muster("import", "customers", "bad.csv", "--date-order", "mdy", "--problems", "more.csv", cwd=migrated)
    assert dated.returncode == 1
    assert len((migrated / "more.csv").read_text(encoding="utf-8-sig").splitlines()) == 1 + 1 + 2 * 1_500


def test_what_is_told_of_orders_that_were_taken_is_no_failure(migrated: Path) -> None:
    (migrated / "customers.csv").write_text("external_id\nc1\nc2\n")
    (migrated / "orders.csv").write_text(
        "order_id,customer_external_id,placed_at,status,total,currency,name,quantity,price\n"
        "#1003,c1,2026-06-01T00:00:00Z,已取消,30,,Mug,1,10\n#1003,,,,,,Cap,2,10\n"
        "#1004,c2,2026-06-01T00:00:00Z,paid,30,,Mug,1,10\n#1004,,,,,,Cap,2,10\n"
        "#1005,c1,2026-06-01T00:00:00Z,frobbed,9,XTS,Mug,1,10\nC1,c1,2026-06-01T00:00:00Z,,,,Mug,-6,2\n"
    )
    assert muster("import", "customers", "customers.csv", cwd=migrated).returncode == 0
    done = muster("import", "orders", "orders.csv", cwd=migrated)
    assert (done.returncode, "6 of 6 rows were imported" in done.stderr) == (0, True)
    assert "row 6: status: 'frobbed' is a word that nobody has classified" in done.stderr
    assert "orders are in XTS" in done.stderr
    with closing(sqlite3.connect(migrated / "muster.db")) as database:
        counted = database.execute("SELECT id, total FROM orders WHERE counted").fetchall()
        assert counted == [("#1004", 300_000)]
        facts = database.execute("SELECT order_count, total_spent FROM customer_facts ORDER BY customer_id").fetchall()
        assert facts == [(0, 0), (1, 300_000)]


def test_the_encoding_of_a_file_can_be_said(migrated: Path) -> None:
    (migrated / "names.csv").write_bytes("external_id;name\na;蔡刚\n".encode("gb18030"))
    wrong = muster("import", "customers", "names.csv", "--encoding", "latin-7", cwd=migrated)
    assert "'latin-7' is no encoding that files are read in: choose from utf-8" in wrong.stderr
    done = muster("import", "customers", "names.csv", "--encoding", "GB18030", cwd=migrated)
    assert "1 of 1 rows were imported" in done.stderr
    with closing(sqlite3.connect(migrated / "muster.db")) as database:
        assert database.execute("SELECT name FROM customers").fetchall() == [("蔡刚",)]


def test_a_column_that_is_no_field_is_told_and_can_be_mapped(migrated: Path) -> None:
    (migrated / "other.csv").write_text("Customer no,Mail,Shoe size\na,a@shop.example,42\n")
    told = muster("import", "customers", "other.csv", cwd=migrated)
    assert (told.returncode, "'Shoe size' is mapped to nothing" in told.stderr) == (0, True)
    wrong = muster("import", "customers", "other.csv", "--map", "Size=property.size", cwd=migrated)
    assert (wrong.returncode, "no column 'Size': it has Customer no, Mail, Shoe size" in wrong.stderr) == (1, True)
    assert muster("import", "customers", "other.csv", "--map", "Size", cwd=migrated).returncode == 2
    options = ("--map", "Customer no=external_id", "--map", "Shoe size=property.shoe_size")
    dry = muster("import", "customers", "other.csv", *options, "--dry-run", cwd=migrated)
    assert "Shoe size -> property.shoe_size" in dry.stderr
    assert 'row 2: {"external_id": "a"' in dry.stderr
    assert "1 of 1 rows would be imported" in dry.stderr
    done = muster("import", "customers", "other.csv", *options, cwd=migrated)
    assert (done.returncode, "1 of 1 rows were imported" in done.stderr) == (0, True)
    with closing(sqlite3.connect(migrated / "muster.db")) as database:
        assert database.execute("SELECT string FROM customer_properties").fetchall() == [("42",)] or database.execute(
            "SELECT number FROM customer_properties"
        ).fetchall() == [(42.0,)]


def test_all_that_is_held_of_a_customer_is_written_into_a_file(migrated: Path) -> None:
    (migrated / "customers.csv").write_text("external_id,email,phone\nann,ann@shop.example,\nann,,no phone\n")
    assert muster("import", "customers", "customers.csv", cwd=migrated).returncode == 0
    done = muster("customer", "export", "ann", "ann.json", cwd=migrated)
    assert (done.returncode, done.stderr) == (0, "")
    held = json.loads((migrated / "ann.json").read_text())
    assert held["format"] == "muster.person.1"
    assert [row["email"] for row in held["customer"]] == ["ann@shop.example"]
    assert [problem["row"] for problem in held["import_problems"]] == [3]
    again = muster("customer", "export", "ann", "ann.json", cwd=migrated)
    assert (again.returncode, again.stderr) == (1, "muster: ann.json exists already\n")
    nobody = muster("customer", "export", "bert", "bert.json", cwd=migrated)
    assert (nobody.returncode, nobody.stderr) == (1, "muster: The store 1 has no customer bert\n")
    assert not (migrated / "bert.json").exists()


def test_help_loads_no_more_than_it_needs() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import api.cli, sys; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"sqlalchemy", "strawberry", "dramatiq", "starlette", "pydantic"} & set(loaded) == set()


def test_plugins_are_listed_with_the_broken_ones(tmp_path: Path) -> None:
    listed = muster("plugins", cwd=tmp_path)
    assert listed.returncode == 0
    assert "email" in listed.stdout
    assert "silver" in listed.stdout
    package = tmp_path / "pigeons-2.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeons\nVersion: 2.0\n")
    (package / "entry_points.txt").write_text("[muster]\npigeon = pigeons\n")
    broken = muster("plugins", cwd=tmp_path, PYTHONPATH=str(tmp_path), COLUMNS="200")
    assert broken.returncode == 1
    assert "ModuleNotFoundError" in broken.stdout
    assert "2.0" in broken.stdout
    blocked = muster("plugins", cwd=tmp_path, PYTHONPATH=str(tmp_path), MUSTER_BLOCKED_PLUGINS="pigeon")
    assert blocked.returncode == 0


def test_the_doctor_writes_json_for_machines(migrated: Path) -> None:
    done = muster("doctor", "--json", cwd=migrated)
    content = json.loads(done.stdout)
    assert done.returncode == 0
    assert content["passed"]
    assert {check["status"] for check in content["checks"]} == {"ok", "warning"}
    assert not (migrated / "muster.key").exists(), "it only reads"


def test_the_demo_needs_a_file_of_customers(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id,customer_external_id,placed_at\n")
    done = muster("demo", "--data", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert "no file of customers" in done.stderr


@pytest.mark.slow
def test_the_demo_passes(tmp_path: Path) -> None:
    (tmp_path / "demo.db").write_text("the database of an earlier demo")
    done = muster("demo", "--customers", "200", "--port", "0", cwd=tmp_path, CI="true", COLUMNS="100")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Received by the mail server" in done.stdout


def test_the_command_is_installed(tmp_path: Path) -> None:
    installed = Path(sys.executable).with_name("muster")
    help_text = subprocess.run([installed, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "demo" in help_text
