"""What only one run at a time may do."""

import dagster as dg

from attribution_dagster.assets.promotion import PROMOTION_POOL
from attribution_dagster.build import build_definitions
from attribution_dagster.graph import TRAINING_POOL
from attribution_dagster.settings import Settings


def test_models_are_trained_from_a_pool_the_gate_has_one_and_nothing_else_has() -> None:
    definitions = build_definitions(Settings.from_environment({}))
    pooled = {
        (asset.op.pool, key.path[-1])
        for asset in definitions.assets or []
        if isinstance(asset, dg.AssetsDefinition) and asset.op.pool
        for key in asset.keys
    }
    trained = {
        (TRAINING_POOL, "trained_model"),
        (TRAINING_POOL, "attribution_trust"),
        (TRAINING_POOL, "conversion_model"),
        (TRAINING_POOL, "item2vec"),
    }
    assert pooled == trained | {(PROMOTION_POOL, "champion")}
