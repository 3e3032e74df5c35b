"""Writes the results of the doctor: a table for people, JSON for machines."""

import sys
from collections.abc import Sequence
from typing import TextIO

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.doctor.findings import MAX_NAMED, CheckResult


def print_table(results: Sequence[CheckResult], file: TextIO | None = None) -> None:
    """Write a line for each check, and for one that found something what that is and what to do."""
    table = Table("", "check", "result", box=None)
    for result in results:
        # As Text: what is stored may look like markup.
        table.add_row(status_of(result), result.name, Text("\n".join(_lines(result))))
    Console(file=_lossless(file or sys.stdout)).print(table)


def print_json(results: Sequence[CheckResult], file: TextIO | None = None) -> None:
    """Write an object of which `checks` has every check with its findings."""
    content = {
        "passed": all(result.passed for result in results),
        "checks": [
            {
                "name": result.name,
                "status": status_of(result),
                "subject": result.subject,
                "advice": result.advice if result.findings else None,
                "seconds": round(result.seconds, 3),
                "findings": [
                    {
                        "problem": finding.problem,
                        "warning": finding.warning,
                        "storeId": finding.store_id,
                        "rows": finding.rows,
                        "total": finding.total,
                    }
                    for finding in result.findings
                ],
                "hiddenFindings": result.hidden,
            }
            for result in results
        ],
    }
    print(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode(), file=_lossless(file or sys.stdout))


def status_of(result: CheckResult) -> str:
    """Return how the check ended: "ok", "warning" or "FAILED"."""
    return "FAILED" if not result.passed else "warning" if result.warning else "ok"


def _lines(result: CheckResult) -> list[str]:
    if not result.findings:
        return [result.subject]
    more = len(result.findings) - MAX_NAMED + result.hidden
    lines = [finding.text for finding in result.findings[:MAX_NAMED]]
    return [*lines, *([f"and {more} more"] if more > 0 else []), f"-> {result.advice}"]


def _lossless(file: TextIO) -> TextIO:
    """Return the file, which writes what its encoding lacks as escapes rather than fail."""
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
    return file
