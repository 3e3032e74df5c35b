"""The names that people give to columns, by the field that each one is; how they are written does not matter."""

from collections.abc import Mapping

from domain.imports.model import ImportKind
from domain.imports.presets.model import same_name

_CUSTOMERS: Mapping[str, str] = {
    "external_id": (
        "external id, customer id, customer number, client id, user id, member id, 顧客 ID, "
        "顧客編號, 會員編號, Kundennummer"
    ),
    "name": "name, full name, customer name, display name, contact name, 姓名, 全名, 名稱, 氏名, お名前",
    "first_name": "first name, given name, forename, fname, 名字, 名, Vorname, prénom, nombre",
    "last_name": "last name, family name, surname, lname, 姓氏, 姓, Nachname, Familienname, apellidos",
    "company": "company, company name, organization, organisation, 公司, 会社名, Firma, société",
    "email": (
        "email, e-mail, email address, mail, mail address, customer email, 電郵, 電子郵件, 電子郵箱, "
        "邮箱, 電郵地址, 信箱, メール, メールアドレス, E-Mail-Adresse, courriel, correo electrónico"
    ),
    "phone": (
        "phone, phone number, telephone, telephone number, tel, mobile, mobile phone, cell phone, "
        "mobile number, cell, 電話, 電話號碼, 手機, 手機號碼, 手机, 聯絡電話, 電話番号, 携帯電話, "
        "Telefon, Telefonnummer, Handy, téléphone, teléfono"
    ),
    "gender": "gender, sex, 性別, 性别, Geschlecht",
    "birthday": (
        "birthday, birth date, birthdate, date of birth, dob, 生日, 出生日期, 生年月日, Geburtstag, Geburtsdatum"
    ),
    "locale": "locale, language, 語言, 言語, Sprache",
    "country": "country, country code, country / region, 國家, 国家, 國家/地區, 国, Land, pays, país",
    "city": "city, town, 城市, 市, Stadt, Ort, ville, ciudad",
    "source": "source, origin, 來源",
    "registered_at": (
        "registered at, registration date, date registered, sign up date, signed up, join date, "
        "joined, member since, 註冊日期, 加入日期, 登録日"
    ),
    "last_login_at": "last login at, last login, last seen, 最後登入時間",
    "member": "member, is member, 會員, 会員",
    "tier": "tier, membership tier, member tier, vip tier, 會員級別, 會員等級",
    "tier_expires_on": "tier expires on, tier expiry, membership expiry date, 會員有效期",
    "note": "note, notes, remarks, comment, comments, 備註, 备注, 備考, Notiz",
    "tags": "tags, tag, labels, 標籤, 标签, タグ",
    "consent.email": (
        "email consent, accepts email marketing, accepts marketing, email marketing consent, "
        "email subscription, newsletter, subscribed, email opt in, 接受電郵優惠宣傳"
    ),
    "consent.sms": "sms consent, accepts sms marketing, sms marketing consent, sms opt in, 接受簡訊優惠宣傳",
    "address.1.street": "address, street, street address, address 1, address line 1, 地址, 住所, Straße, adresse",
    "address.1.region": "region, province, state, state / region, county, 都道府県, Bundesland",
    "address.1.postcode": (
        "postcode, postal code, zip, zip code, 郵遞區號, 郵政編號, 邮编, 郵便番号, PLZ, code postal, código postal"
    ),
}
_ORDERS: Mapping[str, str] = {
    "order_id": "order id, order number, order no, order, 訂單編號, 訂單號碼, 注文番号, Bestellnummer",
    "customer_external_id": "customer external id, external id, customer id, customer number, 顧客 ID, 會員編號",
    "customer_email": (
        "customer email, email, e-mail, email address, mail, billing email, 電郵, 電子郵件, メールアドレス"
    ),
    "customer_phone": "customer phone, phone, phone number, mobile, billing phone, 電話, 電話號碼, 手機, 電話番号",
    "customer_name": "customer name, customer, billing name, 顧客, 顧客姓名",
    "placed_at": ("placed at, order date, date, ordered at, created at, purchase date, 訂單日期, 注文日, Bestelldatum"),
    "status": "status, order status, 訂單狀態, 注文状況",
    "payment_status": "payment status, financial status, 付款狀態",
    "delivery_status": "delivery status, fulfillment status, shipping status, 送貨狀態",
    "total": ("total, order total, total amount, amount, grand total, 訂單合計, 總金額, 合計, Gesamtbetrag"),
    "currency": "currency, currency code, 貨幣, 幣別, 通貨, Währung",
    "coupon": "coupon, coupon code, discount code, voucher, 優惠券",
    "source": "source, order source, sales channel, 訂單來源",
    "product": "product, product id, sku, item id, item number, 商品貨號, 商品番号, Artikelnummer",
    "name": "name, product name, item name, item, 商品名稱, 商品名, Artikel",
    "variant": "variant, variation, option, 選項",
    "category": "category, product category, product type, 分類, カテゴリ, Kategorie",
    "department": "department",
    "brand": "brand, vendor, 品牌, ブランド, Marke",
    "tags": "tags, product tags",
    "quantity": "quantity, qty, item quantity, 數量, 数量, Menge, Anzahl",
    "price": "price, unit price, item price, 單價, 单价, 単価, Preis, Einzelpreis",
}
_EVENTS: Mapping[str, str] = {
    "id": "id, event id",
    "type": "type, event, event type, event name",
    "external_id": "external id, customer external id, customer id, user id",
    "email": "email, e-mail, email address, customer email, 電郵, 電子郵件",
    "phone": "phone, phone number, mobile, customer phone, 電話, 手機",
    "occurred_at": "occurred at, timestamp, time, date, event time, happened at",
}


def _by_name(names: Mapping[str, str]) -> Mapping[str, str]:
    return {same_name(name): field for field, synonyms in names.items() for name in synonyms.split(", ")}


FIELDS_BY_NAME: Mapping[ImportKind, Mapping[str, str]] = {
    ImportKind.CUSTOMERS: _by_name(_CUSTOMERS),
    ImportKind.ORDERS: _by_name(_ORDERS),
    ImportKind.EVENTS: _by_name(_EVENTS),
}
