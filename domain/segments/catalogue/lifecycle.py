"""Scores, groups and stages of customers, as the last night's scoring found them."""

from dataclasses import replace
from typing import Any

from domain.lifecycle.model import LifecycleStage, RepurchasePosition, RfmGroup, ShopperType
from domain.lifecycle.tables import customer_scores
from domain.segments.catalogue.builders import NUMBERS_OR_NONE, Group, choice, only, spoken
from domain.segments.catalogue.entries import PRESENCE, Option
from domain.segments.sql.columns.values import Column, TextColumn, WholeColumn
from domain.segments.sql.dimensions.child_rows import ChildRows, ChildValue
from domain.segments.sql.predicates import Selectivity

_lifecycle = Group("lifecycle")
_STAGES = spoken(LifecycleStage) | {
    LifecycleStage.HIGH_POTENTIAL.value: "High-potential",
    LifecycleStage.SILENT.value: "Silent customers",
    LifecycleStage.CANT_LOSE.value: "Can't lose",
    LifecycleStage.LOST.value: "Lost customers",
}
_POSITIONS = spoken(RepurchasePosition) | {RepurchasePosition.READY_TO_REPURCHASE.value: "Ready to repurchase"}
_SCORES = tuple(Option(value, str(value)) for value in range(1, 6))


def _scored(
    column: type[TextColumn] | type[WholeColumn], value: Any, selectivity: Selectivity = Selectivity.TAG
) -> ChildValue:
    score: Column = column(value)
    return ChildValue(ChildRows(customer_scores.c.customer_id, selectivity=selectivity), score)


LIFECYCLE = (
    *(
        replace(
            only(
                _lifecycle.number(f"rfm.{key}", label, _scored(WholeColumn, customer_scores.c[key]), 127),
                NUMBERS_OR_NONE,
            ),
            options=_SCORES,
        )
        for key, label in (
            ("recency", "Recency score"),
            ("frequency", "Frequency score"),
            ("monetary", "Monetary score"),
        )
    ),
    choice(
        _lifecycle.text("rfm_group", "RFM group", _scored(TextColumn, customer_scores.c.rfm_group), 128),
        spoken(RfmGroup),
    ),
    choice(
        _lifecycle.text("lifecycle_stage", "Lifecycle stage", _scored(TextColumn, customer_scores.c.stage), 122, 123),
        _STAGES,
    ),
    choice(
        _lifecycle.text("shopper_type", "Shopper type", _scored(TextColumn, customer_scores.c.shopper_type), 97, 130),
        spoken(ShopperType),
        *PRESENCE,
    ),
    choice(
        _lifecycle.text(
            "repurchase_position",
            "Position in the repurchase cycle",
            _scored(TextColumn, customer_scores.c.repurchase_position),
            *(125, 126),
        ),
        _POSITIONS,
        *PRESENCE,
    ),
)
