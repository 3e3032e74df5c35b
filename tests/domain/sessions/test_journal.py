"""Journals tell what became of messages, whoever reads them and whenever."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from muster_sdk import Accepted, Ambiguous, NotSent, Outcome, Rejected, TryAgain

from domain.kit import ids
from domain.sessions import journal as journals
from domain.sessions import outcomes
from domain.sessions.journal import Claim, Evidence, Journal, JournalDirectory, JournalUnwritable, revoke

A, B, C = (UUID(int=number) for number in (1, 2, 3))
CLAIM = Claim(7, ids.new(), 3, 12)
OUTCOMES: list[Outcome] = [
    Accepted("id\n1"),
    Accepted(),
    Rejected("550 no 'mailbox'"),
    TryAgain("busy"),
    TryAgain("busy", timedelta(seconds=1.5)),
    NotSent("refused"),
    Ambiguous("cut off"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "claim.journal"


def test_what_began_and_ended_is_told(path: Path) -> None:
    journal = Journal(path)
    assert journal.begin(A)
    assert journal.begin(B)
    journal.end(A, Accepted("x"))
    told = revoke(path)
    journal.close()
    assert told is not None
    assert told == Evidence(frozenset({A, B}), {A: Accepted("x")}, complete=True)
    assert [told.never_began(key) for key in (A, B, C)] == [False, False, True]


def test_an_attempt_that_began_again_has_no_outcome_of_the_one_before(path: Path) -> None:
    journal = Journal(path)
    journal.begin(A)
    journal.end(A, TryAgain("busy", timedelta()))
    journal.begin(A)
    told = revoke(path)
    journal.close()
    assert told is not None
    assert told == Evidence(frozenset({A}), {}, complete=True)


def test_behind_the_revocation_nothing_begins_and_outcomes_still_count(path: Path) -> None:
    journal = Journal(path)
    assert journal.begin(A)
    first = revoke(path)
    assert not journal.begin(B)
    assert not journal.begin(C)
    journal.end(A, Accepted("late"))
    journal.close()
    second = revoke(path)
    assert first is not None
    assert second is not None
    assert first.begun == second.begun == {A}
    assert (first.outcomes, second.outcomes) == ({}, {A: Accepted("late")})


def test_after_a_restart_of_the_machine_only_outcomes_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    journal.begin(A)
    journal.end(A, Accepted("x"))
    journal.close()
    monkeypatch.setattr(journals, "_boot", lambda: "another boot")
    told = revoke(path)
    assert told is not None
    assert told.outcomes == {A: Accepted("x")}
    assert not told.complete
    assert not told.never_began(B)


@pytest.mark.parametrize("lost", range(1, 60))
def test_a_line_that_was_cut_off_tells_nothing(path: Path, lost: int) -> None:
    journal = Journal(path)
    journal.begin(A)
    journal.end(A, Rejected("no"))
    journal.close()
    content = path.read_bytes()
    path.write_bytes(content[:-lost])
    told = revoke(path)
    assert told is not None
    assert told.outcomes in ({}, {A: Rejected("no")})
    assert told.begun <= {A}


@pytest.mark.parametrize("written", [0, 1, 17, 34])
def test_a_line_that_was_cut_off_does_not_spoil_the_next(
    path: Path, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    write = os.write

    def write_a_part(file: int, line: bytes) -> int:
        return write(file, line[:written])

    with monkeypatch.context() as full:
        # A disk that is full for a moment cannot be had everywhere.
        full.setattr(os, "write", write_a_part)
        with pytest.raises(JournalUnwritable):
            journal.begin(A)
    assert journal.begin(B)
    journal.end(B, Accepted("x"))
    told = revoke(path)
    journal.close()
    assert told is not None
    assert told.outcomes == {B: Accepted("x")}
    assert not told.never_began(B)
    assert told.never_began(C)


def test_what_is_not_here_is_not_known(tmp_path: Path) -> None:
    assert JournalDirectory(tmp_path).revoke(CLAIM) is None
    assert JournalDirectory(None).revoke(CLAIM) is None
    assert JournalDirectory(None).path(CLAIM) is None
    assert list(JournalDirectory(tmp_path / "none").abandoned()) == []


def test_a_journal_is_abandoned_once_its_process_is_dead(tmp_path: Path) -> None:
    directory = JournalDirectory(tmp_path)
    path = directory.path(CLAIM)
    assert path is not None
    (tmp_path / "other.txt").touch()
    (tmp_path / "1.2.3.journal").touch()
    journal = Journal(path)
    assert list(directory.abandoned()) == []
    directory.discard(CLAIM)
    assert path.exists(), "its process may still learn outcomes"
    journal.close()
    assert list(directory.abandoned()) == [CLAIM]
    directory.discard(CLAIM)
    assert not path.exists()
    assert list(directory.abandoned()) == []
    directory.close(CLAIM)


def test_a_journal_that_is_laid_aside_is_kept_for_a_while(tmp_path: Path) -> None:
    directory = JournalDirectory(tmp_path)
    path = directory.path(CLAIM)
    assert path is not None
    journal = Journal(path)
    journal.begin(A)
    journal.close()
    told = [(CLAIM, Evidence(frozenset({A}), {}, complete=True))]
    assert list(directory.all()) == told
    directory.close(CLAIM)
    [closed] = tmp_path.glob("*.closed")
    laid_aside = closed.stat().st_mtime
    assert directory.revoke(CLAIM) == told[0][1]
    directory.delete_closed(laid_aside - 1)
    assert list(directory.all()) == told
    directory.delete_closed(laid_aside + 1)
    assert list(directory.all()) == []


def test_a_claim_that_a_database_gives_twice_keeps_both_journals(tmp_path: Path) -> None:
    directory = JournalDirectory(tmp_path)
    path = directory.path(CLAIM)
    assert path is not None
    for key in (A, B):
        journal = Journal(path)
        journal.begin(key)
        journal.end(key, Accepted("x"))
        journal.close()
        directory.close(CLAIM)
    journal = Journal(path)
    journal.begin(C)
    told = directory.revoke(CLAIM)
    journal.close()
    assert told == Evidence(frozenset({A, B, C}), {A: Accepted("x"), B: Accepted("x")}, complete=True)
    assert [claim for claim, _ in directory.all()] == [CLAIM] * 3


def test_a_disk_that_takes_no_line_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)

    def full(_: int, line: bytes) -> int:
        raise OSError(28, os.strerror(28))

    def nearly_full(_: int, line: bytes) -> int:
        return len(line) - 1

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalUnwritable, match="No space left"):
        journal.begin(A)
    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(JournalUnwritable, match="full"):
        journal.begin(A)
    monkeypatch.undo()
    journal.close()
    with pytest.raises(JournalUnwritable, match="File exists"):
        Journal(path)


@given(st.sampled_from(OUTCOMES))
def test_outcomes_are_read_as_they_were_written(outcome: Outcome) -> None:
    assert outcomes.of_values(outcomes.as_values(outcome)) == outcome


@pytest.mark.parametrize("outcome", [None, "sent", Accepted(5), Rejected("\ud800"), Rejected(None), TryAgain("x", "y")])  # type: ignore[arg-type]  # a channel's mistakes
def test_of_what_is_no_outcome_nothing_is_known(outcome: object) -> None:
    assert isinstance(outcomes.checked(outcome), Ambiguous)
    assert outcomes.checked(Rejected("no")) == Rejected("no")


@pytest.mark.parametrize("values", [None, [], ["accepted"], ["rejected", 5], ["other", "x"], ["try_again", "x", "y"]])
def test_what_is_no_outcome_is_refused(values: object) -> None:
    with pytest.raises(ValueError, match="no outcome"):
        outcomes.of_values(values)
