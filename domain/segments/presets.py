"""Ready segments to start from, in the query language; docs/reference/lifecycle.md says where each comes from."""

from dataclasses import dataclass

from domain.lifecycle.model import LifecycleStage, RfmGroup


@dataclass(frozen=True, slots=True)
class Preset:
    """`rules`: the conditions of the specification that it stands for."""

    key: str
    group: str
    name: str
    description: str
    query: str
    rules: tuple[int, ...]


_SHOPLINE = (
    Preset(
        "new",
        "shopline",
        "New",
        "Subscribed to e-mail, and has not ordered yet",
        'consent.email = "SUBSCRIBED" AND order_count < 1',
        (129,),
    ),
    Preset(
        "returning",
        "shopline",
        "Returning",
        "Subscribed to e-mail, and has ordered more than once",
        'consent.email = "SUBSCRIBED" AND order_count > 1',
        (129,),
    ),
    Preset(
        "abandoned_checkouts",
        "shopline",
        "Abandoned checkouts",
        "Began a checkout in the last 30 days, and ordered nothing since",
        "checkout(abandoned = true, last 30 days)",
        (95, 129),
    ),
    Preset(
        "high_value",
        "shopline",
        "High-value",
        "Spent more than 1000 in the last 90 days",
        "order.sum(total, last 90 days) > 1000",
        (84, 129),
    ),
)
_SMART = (
    Preset(
        "engaged",
        "smart_rfim",
        "Engaged customers",
        "Visited the shop, or wrote on a social channel, at least three times, and has not ordered yet",
        "(visit.count() >= 3 OR facebook.interacted.count() >= 3 OR line.interacted.count() >= 3) AND order_count = 0",
        (124,),
    ),
    Preset(
        "viewed_not_ordered",
        "smart_rfim",
        "Viewed but did not order",
        "Looked around in the last 30 days, and ordered nothing since",
        "visit(abandoned = true, last 30 days)",
        (114,),
    ),
    Preset(
        "top_shoppers",
        "smart_rfim",
        "Top shoppers",
        "Bought recently, and is among those who buy most often and spend most",
        'repurchase_position = "RECENTLY_PURCHASED" AND rfm.frequency >= 4 AND rfm.monetary >= 4',
        (125,),
    ),
    Preset(
        "ready_to_repurchase",
        "smart_rfim",
        "Ready to repurchase",
        "The time in which the next order may be expected has come",
        'repurchase_position = "READY_TO_REPURCHASE"',
        (125, 126),
    ),
    Preset(
        "sleeping_shoppers",
        "smart_rfim",
        "Sleeping shoppers",
        "Bought more than once, and lets the next order wait for longer than usual",
        'repurchase_position = "LAPSED" AND order_count >= 2 AND NOT lifecycle_stage = "LOST"',
        (125,),
    ),
    Preset(
        "lost",
        "smart_rfim",
        "Lost",
        "Lapsed for so long that an order can hardly be expected",
        'repurchase_position = "LAPSED" AND lifecycle_stage = "LOST"',
        (125,),
    ),
)
_STAGES = {
    LifecycleStage.LOYALISTS: ("Loyalists", "Active, orders often and spends much"),
    LifecycleStage.HIGH_POTENTIAL: ("High-potential", "Active, and either orders often or spends much"),
    LifecycleStage.NEED_NURTURING: ("Need nurturing", "Active, with few and small orders so far"),
    LifecycleStage.NEED_INTRODUCE: ("Need introduce", "Came lately, and has not ordered yet"),
    LifecycleStage.SILENT: ("Silent customers", "No longer active, and was never among the best; or never ordered"),
    LifecycleStage.CANT_LOSE: ("Can't lose", "Ordered often or spent much, and is no longer active"),
    LifecycleStage.LOST: ("Lost customers", "Has not ordered for very long"),
}
_GROUPS = {
    RfmGroup.CHAMPIONS: "Ordered very recently, often, and for most",
    RfmGroup.LOYAL: "Ordered recently, often, and for much",
    RfmGroup.ACTIVE: "Ordered recently, sometimes, and for a middling sum",
    RfmGroup.NEW: "Ordered very recently, seldom, and for little",
    RfmGroup.PROMISING: "Ordered fairly recently, seldom, and for little",
    RfmGroup.NEEDS_ATTENTION: "Ordered a while ago, sometimes, and for a middling sum",
    RfmGroup.AT_RISK: "Has not ordered lately, with a good history",
    RfmGroup.PREVIOUSLY_LOYAL: "Has not ordered lately, with a very good history",
    RfmGroup.ALMOST_LOST: "Has not ordered lately, seldom before, and for little",
    RfmGroup.DORMANT: "Has not ordered for long, seldom before, and for little",
    RfmGroup.PROSPECTS: "Has not ordered yet",
}


PRESETS = (
    *_SHOPLINE,
    *_SMART,
    *(
        Preset(f"stage.{stage.lower()}", "lifecycle", name, description, f'lifecycle_stage = "{stage}"', (122,))
        for stage, (name, description) in _STAGES.items()
    ),
    *(
        Preset(
            f"rfm.{group.lower()}",
            "rfm",
            group.replace("_", " ").capitalize(),
            description,
            f'rfm_group = "{group}"',
            (128,),
        )
        for group, description in _GROUPS.items()
    ),
)
