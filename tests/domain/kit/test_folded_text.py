# ruff: noqa: RUF001 - letters that look alike are what this is about
"""Texts that people take for the same are folded alike, and others are not."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kit.folded_text import FOLDED_LENGTH, folded
from tests.properties import examples

names = st.text(max_size=200) | st.text(
    st.sampled_from("AaÅåßSsİIıiÉéｶﾞガがカかｱａＡ'\u2019- \u3000ŁłЙйΆα王"), max_size=40
)


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("Ångström", ["ångström", "ÅNGSTRÖM", "angstrom", "A\u030angstro\u0308m", "\u212bngström"]),
        ("Straße", ["STRASSE", "strasse", "STRAẞE"]),
        ("İzmir Iğdır", ["izmir ığdır", "IZMIR IGDIR", "İZMİR IĞDIR"]),
        ("Ann Lee", ["ＡＮＮ\u3000ＬＥＥ", "  ann   lee ", "Ann\u00a0Lee", "Ann\u200b Lee"]),
        ("タナカ ガンバ", ["ﾀﾅｶ ｶﾞﾝﾊﾞ", "たなか がんば"]),
        ("O\u2019Brien", ["o'brien", "O'BRIEN"]),
        ("Łukasz Đặng Øre Æsop", ["lukasz dang ore aesop"]),
        ("Ελλάς", ["ΕΛΛΑΣ", "ελλας"]),
        ("김철수", ["\u1100\u1175\u11b7철수"]),
        ("葛城", ["葛\U000e0100城"]),
    ],
)
def test_spellings_of_a_name_are_one(name: str, spellings: list[str]) -> None:
    assert {folded(spelling) for spelling in spellings} == {folded(name)}


def test_marks_that_make_other_letters_stay() -> None:
    for one, other in (("か", "が"), ("иод", "йод"), ("і", "ї"), ("कि", "क"), ("하", "허"), ("Ann", "Anna")):
        assert folded(one) != folded(other)


@examples(500)
@given(names)
def test_folding_once_is_enough_however_a_text_is_normalised(name: str) -> None:
    once = folded(name)
    assert folded(once) == once
    assert len(once) <= FOLDED_LENGTH
    if len(name) <= 20:  # nothing is cut off
        assert {folded(normalize(form, name)) for form in ("NFC", "NFD")} == {once}


def test_what_grows_by_folding_fits_an_index_of_postgresql() -> None:
    assert len(folded("\ufdfa" * 200).encode()) <= 4 * FOLDED_LENGTH
    assert len(folded("ß" * 200)) == FOLDED_LENGTH
