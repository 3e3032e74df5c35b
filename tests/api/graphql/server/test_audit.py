"""The conformance audit of GraphQL over HTTP, by the package that the specification's authors publish."""

import asyncio
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "audit"


async def run(*command: str, cwd: Path) -> str:
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=-1, stderr=-1)
    async with asyncio.timeout(300):
        out, err = await process.communicate()
    if process.returncode:
        raise RuntimeError(err.decode()[-2_000:])
    return out.decode()


async def packages() -> Path:
    """A folder with graphql-http in it, kept between runs."""
    folder = Path(tempfile.gettempdir()) / "muster-graphql-audit"
    if not (folder / "node_modules" / "graphql-http" / "package.json").exists():
        folder.mkdir(exist_ok=True)
        shutil.copy(HERE / "package.json", folder)
        await run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    return folder


@pytest.fixture
async def audit_packages() -> Path:
    try:
        return await packages()
    except (OSError, RuntimeError, TimeoutError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the audit needs node, npm and the package graphql-http: {error}")


async def test_the_audit_finds_no_error_and_no_warning(audit_packages: Path, server: str) -> None:
    url = f"http://{server}/graphql"
    result = json.loads(await run("node", str(HERE / "audit.mjs"), str(audit_packages), url, "sesame", cwd=HERE))
    assert len(result) > 50
    assert [audit for audit in result if audit["status"] != "ok"] == []
