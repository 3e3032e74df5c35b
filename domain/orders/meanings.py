"""The meanings of order statuses: what the shops' own words mean, unless a store says otherwise."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from unicodedata import normalize


class StatusMeaning(StrEnum):
    """The standing of an order in a status. Only a sale counts as bought."""

    SALE = "SALE"
    PENDING = "PENDING"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"
    NO_SALE = "NO_SALE"


# Of a payment, these say that there is no sale, whatever the order's own status is.
UNDOING = frozenset({StatusMeaning.CANCELLED, StatusMeaning.REFUNDED})
_SEPARATORS = re.compile(r"[\s_\-/・]+")


def _word(status: str) -> str:
    """Return the status as the presets have it: `wc-on-hold`, `On hold` and `ON_HOLD` are one word."""
    folded = normalize("NFKC", status).casefold().strip()
    return _SEPARATORS.sub("", folded.removeprefix("wc-"))


# Shopify's financial and fulfilment statuses, WooCommerce's statuses, SHOPLINE's statuses of orders, payments and
# deliveries, and the words of other shops that mean the same; in English, Chinese of both scripts, and Japanese.
_WORDS: Mapping[StatusMeaning, str] = {
    StatusMeaning.SALE: """
        completed, complete, paid, processing, confirmed, open, closed, archived, fulfilled, partially fulfilled,
        unfulfilled, partial, shipped, shipping, partially shipped, dispatched, in transit, out for delivery,
        delivered, arrived, collected, picked up, ready for pickup, preparing, packed, finished, done, success,
        successful, succeeded, captured, settled, invoiced, approved, accepted, placed, received, active, sale, sold,
        ok, partially refunded, partial refund, partially returned, partially paid, 已完成, 完成, 訂單完成, 订单完成,
        交易完成, 交易成功, 已付款, 付款完成, 付款成功, 已支付, 支付成功, 已收款, 已確認, 已确认, 確認, 确认, 處理中,
        处理中, 備貨中, 备货中, 已出貨, 已出货, 出貨中, 出货中, 部分出貨, 部分出货, 已發貨, 已发货, 發貨中, 发货中,
        部分發貨, 部分发货, 待出貨, 待出货, 待發貨, 待发货, 運送中, 运送中, 配送中, 已送達, 已送达, 已到貨, 已到货,
        已取貨, 已取货, 待取貨, 待取货, 已簽收, 已签收, 已收貨, 已收货, 已成立, 部分退款, 已部分退款, 部分退貨,
        部分退货, 部分付款, 完了, 注文完了, 注文確定, 確定, 受注, 注文受付, 受付完了, 処理中, 対応中, 支払い済み,
        支払済み, 支払済, 支払い済, 入金済み, 入金済, 入金確認済み, 決済完了, 決済済み, 発送準備中, 出荷準備中,
        発送済み, 発送済, 出荷済み, 出荷済, 発送完了, 出荷完了, 一部発送済み, 未発送, 未出荷, 配達中, 配達完了,
        配達済み, 配送済み, 受取済み, 一部返金, 一部返金済み, 部分返金
    """,
    StatusMeaning.PENDING: """
        pending, pending payment, payment pending, awaiting payment, waiting for payment, unpaid, not paid, on hold,
        hold, held, authorized, authorised, partially authorized, awaiting confirmation, unconfirmed, new, temp,
        created, pre order, awaiting review, under review, in review, overdue, pending refund, 待付款, 未付款,
        等待付款, 待支付, 未支付, 等待支付, 付款中, 待處理, 待处理, 待確認, 待确认, 未確認, 未确认, 待審核, 待审核,
        保留, 保留中, 暫停, 暂停, 已授權, 已授权, 預購, 预购, 支払い待ち, 支払待ち, 支払い保留中, 未払い, 未払,
        未入金, 入金待ち, 決済待ち, 確認待ち, 承認待ち, 未確定, 承認済み, オーソリ済み, 予約中
    """,
    StatusMeaning.CANCELLED: """
        cancelled, canceled, cancel, cancellation, customer cancelled, cancelled by customer, system cancelled,
        deleted, removed, void, voided, annulled, revoked, terminated, 取消, 已取消, 訂單取消, 订单取消, 取消訂單,
        取消订单, 交易取消, 已刪除, 已删除, 刪除, 删除, 已作廢, 已作废, 作廢, 作废, 已撤銷, 已撤销, 交易關閉,
        交易关闭, 已關閉, 已关闭, キャンセル, キャンセル済み, キャンセル済, 注文キャンセル, 取消済み, 取り消し,
        取消し, 取り消し済み, 無効, 削除, 削除済み
    """,
    StatusMeaning.REFUNDED: """
        refunded, refund, fully refunded, refunding, returned, return, returning, charged back, chargeback, reversed,
        已退款, 退款, 全額退款, 全额退款, 退款完成, 退款成功, 退款中, 已退貨, 已退货, 退貨, 退货, 退貨完成, 退货完成,
        退貨中, 退货中, 返金, 返金済み, 返金済, 全額返金, 返金完了, 返品, 返品済み, 返品済, 返品完了
    """,
    StatusMeaning.NO_SALE: """
        failed, failure, payment failed, error, declined, denied, rejected, refused, expired, timed out, abandoned,
        draft, checkout draft, auto draft, trash, trashed, spam, test, fraud, quote, quotation, not completed,
        incomplete, 失敗, 失败, 付款失敗, 付款失败, 支付失敗, 支付失败, 已拒絕, 已拒绝, 拒絕, 拒绝, 已過期, 已过期,
        過期, 过期, 逾期, 已逾期, 已逾時, 已超时, 草稿, 垃圾桶, 回收站, 棄單, 弃单, 未完成, 測試, 测试, 決済失敗,
        支払い失敗, エラー, 拒否, 却下, 期限切れ, 下書き, ゴミ箱, カゴ落ち, 未完了, 放棄, テスト
    """,
}
PRESETS: Mapping[str, StatusMeaning] = {
    _word(status): meaning for meaning, words in _WORDS.items() for status in words.split(",")
}


def preset_meaning(status: str) -> StatusMeaning | None:
    """Return what the shops mean by a status; None for a word that is no shop's."""
    return PRESETS.get(_word(status))


class Meanings:
    """The meanings that statuses have for one store: as it says, or else as the shops do."""

    def __init__(self, said: Mapping[str, StatusMeaning]) -> None:
        self.said = said

    def of(self, status: str) -> StatusMeaning | None:
        """Return the meaning; None for a status that nobody has classified, which is no sale."""
        return self.said.get(status) or preset_meaning(status)

    def is_sale(self, status: str, payment_status: str | None) -> bool:
        """Return whether an order is a sale: its status says so, and its payment was not cancelled or given back."""
        undone = payment_status is not None and self.of(payment_status) in UNDOING
        return self.of(status) is StatusMeaning.SALE and not undone

    def sales(self, statuses: Iterable[str]) -> list[str]:
        return sorted(status for status in set(statuses) if self.of(status) is StatusMeaning.SALE)

    def undoing(self, payment_statuses: Iterable[str]) -> list[str]:
        return sorted(status for status in set(payment_statuses) if self.of(status) in UNDOING)
