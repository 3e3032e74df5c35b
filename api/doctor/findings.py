"""Findings of the doctor: what is wrong, in which store, and a few of the rows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

MAX_NAMED = 5
# Of a check; what is more is counted.
_MAX_FINDINGS = 20
_MAX_TEXT = 300
_DRIVER_CLASS = re.compile(r"^<class '[^']*'>: ")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: `rows` name some of the `total`. A warning needs a decision of the operator."""

    problem: str
    store_id: int | None = None
    rows: tuple[str, ...] = ()
    total: int = 0
    warning: bool = False

    @property
    def text(self) -> str:
        """Return the finding in one line."""
        store = "" if self.store_id is None else f"store {self.store_id}: "
        if not self.total:
            return printable(f"{store}{self.problem}", limit=None)
        more = self.total - len(self.rows)
        examples = "; ".join(self.rows) + (f"; and {more} more" if more > 0 else "")
        return printable(f"{store}{self.total} {self.problem} ({examples})", limit=None)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check. `hidden` findings are beyond those that are kept."""

    name: str
    # Says that all is well.
    subject: str
    advice: str
    findings: Sequence[Finding] = ()
    hidden: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return all(finding.warning for finding in self.findings)

    @property
    def warning(self) -> bool:
        """Return whether the operator should decide on something; never of a check that failed."""
        return self.passed and bool(self.findings)

    @property
    def message(self) -> str:
        if not self.findings:
            return self.subject
        texts = [finding.text for finding in self.findings]
        more = len(texts) - MAX_NAMED + self.hidden
        return "; ".join(texts[:MAX_NAMED]) + (f"; and {more} more" if more > 0 else "")


class FindingCollector:
    """Collect findings of a check, as many as are shown: those that fail it come before warnings."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.hidden = 0

    def add(self, findings: Sequence[Finding]) -> None:
        kept = sorted([*self.findings, *findings], key=lambda finding: finding.warning)
        self.hidden += max(len(kept) - _MAX_FINDINGS, 0)
        self.findings = kept[:_MAX_FINDINGS]


def listed(
    problem: str, rows: Sequence[str], store_id: int | None = None, *, warning: bool = False
) -> Sequence[Finding]:
    """Return the finding that these rows are wrong, none when there are none."""
    if not rows:
        return ()
    return (Finding(problem, store_id, tuple(rows[:MAX_NAMED]), len(rows), warning),)


def unchecked(error: Exception, store_id: int | None = None) -> Finding:
    """Return the finding that something could not be checked, with the first line of why."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    reason = _DRIVER_CLASS.sub("", str(cause)).partition("\n")[0]
    return Finding(f"could not be checked: {type(cause).__name__}: {printable(reason)}", store_id)


def printable(text: str, limit: int | None = _MAX_TEXT) -> str:
    """Return a text of unknown origin as a terminal may show it, in one line and no longer than the limit."""
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return shown if limit is None or len(shown) <= limit else shown[: limit - 1] + "…"
