"""The committed schema is the one that the server answers with."""

from pathlib import Path

from typer.testing import CliRunner

from api.cli import app

ROOT = Path(__file__).parents[1]


def test_schema_graphql_is_what_muster_schema_prints() -> None:
    printed = CliRunner().invoke(app, ["schema"])
    assert printed.exit_code == 0
    assert printed.stdout == (ROOT / "schema.graphql").read_text()
