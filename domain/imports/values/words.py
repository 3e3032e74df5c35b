"""Words for yes and no, for consents and for genders, in the languages of the shops' exports."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from domain.customers import values
from domain.customers.model import Consent, Gender
from domain.kit.errors import DomainError

Meaning = TypeVar("Meaning", bound=bool | StrEnum)
Choice = TypeVar("Choice", bound=StrEnum)


def _by_word(words: Mapping[Meaning, str]) -> dict[str, Meaning]:
    return {word: meaning for meaning, several in words.items() for word in several.split()}


_YES = "yes y true t 1 on x ✓ ✔ 是 有 対応 はい 有り ja j oui si sí sim tak 예 네"
_NO = "no n false f 0 off 否 不是 無 无 いいえ 無し nein non não nie 아니오"
_BOOLEANS = _by_word({True: _YES, False: _NO})
_CONSENTS = _by_word(
    {
        Consent.SUBSCRIBED: f"{_YES} subscribed subscribe opted_in opt_in optin accepted granted active "
        "已訂閱 已订阅 訂閱 订阅 同意 購読中 配信中 登録",
        # Nobody has said yes where an answer is awaited.
        Consent.NOT_SUBSCRIBED: f"{_NO} not_subscribed never_subscribed non_subscribed nonsubscribed pending "
        "unconfirmed 未訂閱 未订阅 不同意 未登録",
        # Who was cleaned, suppressed, or has bounced or complained may not be written to.
        Consent.UNSUBSCRIBED: "unsubscribed unsubscribe opted_out opt_out optout cleaned suppressed bounced complained "
        "spam blocked revoked 取消訂閱 已取消訂閱 取消订阅 已取消订阅 退訂 退订 配信停止 解除",
    }
)
_GENDERS = _by_word(
    {
        Gender.MALE: "male m man boy 男 男性 先生 男生 männlich mann herr homme masculin hombre masculino maschio uomo "
        "남 남성",
        Gender.FEMALE: "female f w woman girl 女 女性 小姐 女士 女生 weiblich frau femme féminin mujer femenino "
        "femmina donna 여 여성",
        Gender.OTHER: "other o x non_binary nonbinary nb divers d 其他 その他 非二元",
        Gender.UNDISCLOSED: "undisclosed unknown u n/a na none not_specified unspecified prefer_not_to_say "
        "不詳 未知 保密 不透露 未回答 不明",
    }
)


def boolean(text: str) -> bool | None:
    return _meaning(text, _BOOLEANS, "write yes or no")


def consent(text: str) -> Consent | None:
    """Return the consent by rule 3.9: yes subscribes, no has never subscribed."""
    return _meaning(text, _CONSENTS, f"write yes, no, or one of {', '.join(Consent)}")


def gender(text: str) -> Gender | None:
    return _meaning(text, _GENDERS, f"write one of {', '.join(Gender)}")


def choice(text: str, choices: type[Choice]) -> Choice | None:
    """Return the choice whose name is written with spaces, hyphens or underscores."""
    return values.choice("_".join(text.replace("-", " ").split()), choices)


def _meaning(text: str, meanings: Mapping[str, Meaning], right: str) -> Meaning | None:
    word = "_".join(text.replace("-", " ").lower().split())
    if not word:
        return None
    meaning = meanings.get(word)
    if meaning is None:
        shown = repr(text.strip() if len(text) <= 60 else f"{text[:57]}...")
        raise DomainError(f"{shown} is not known: {right}")
    return meaning
