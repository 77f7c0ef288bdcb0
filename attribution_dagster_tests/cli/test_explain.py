"""A published session explained by a method of choice."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from attribution_dagster.assets.method_comparison import check_method, default_method
from attribution_dagster.assets.training import open_model, open_sequences
from attribution_dagster.cli.explaining import explain_session
from attribution_dagster.core.attribution.attention import attention_by_head
from attribution_dagster.core.attribution.sessions import attribute_sessions
from attribution_dagster.core.models.storage import save_model
from attribution_dagster.errors import AttributionError, ConfigurationError, MissingInputError
from attribution_dagster.resources.workspace import Workspace
from attribution_dagster_tests.pipeline.faults import copy_of, report
from attribution_dagster_tests.pipeline.small import EXPLAINED, small_workspace


def shown(group: object) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(group)
    return captured.get()


@pytest.fixture(scope="module")
def session_id(published: Workspace) -> str:
    return published.slice_of("method_attribution_no_funnel", EXPLAINED)["session_id"][0].as_py()


def test_the_default_method_computed_now_is_what_was_published(published: Workspace, session_id: str) -> None:
    as_published = shown(explain_session(published, "no_funnel", session_id))
    now = shown(explain_session(published, "no_funnel", session_id, "gradient_x_input"))
    assert "effect, logits" in as_published and "gradient_x_input, logits" in now
    cells = [[cell.strip() for cell in line.split("│")] for line in as_published.splitlines() if "│" in line]
    again = [[cell.strip() for cell in line.split("│")] for line in now.splitlines() if "│" in line]
    assert cells == again and len(cells) > 1


def test_a_model_trained_since_does_not_explain_what_was_published(
    published: Workspace, session_id: str, tmp_path: Path
) -> None:
    copy, asset = copy_of(published, tmp_path), "no_funnel/trained_model"
    before = shown(explain_session(copy, "no_funnel", session_id, "gradient_x_input"))
    model = open_model(copy, "no_funnel", EXPLAINED)
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(-2.0)
    copy.artifacts.create(asset, EXPLAINED, "later", lambda folder: save_model(model, folder))
    report(copy, asset, trained_for_window=EXPLAINED, model_version="later")
    assert open_model(copy, "no_funnel", EXPLAINED).state_dict().keys() == model.state_dict().keys()
    assert shown(explain_session(copy, "no_funnel", session_id, "gradient_x_input")) == before


@pytest.mark.parametrize("gone", ["trained_model", "sequence_tensors"])
def test_without_the_model_or_the_sequences_that_it_was_published_with_nothing_is_computed(
    published: Workspace, session_id: str, tmp_path: Path, gone: str
) -> None:
    copy = copy_of(published, tmp_path)
    shutil.rmtree(copy.settings.home / "artifacts" / "small" / "artifacts" / "no_funnel" / gone)
    with pytest.raises(
        MissingInputError, match=r"window 2025-01-20 of small was published with are gone: run the window"
    ):
        explain_session(copy, "no_funnel", session_id, "gradient_x_input")
    assert "effect, logits" in shown(explain_session(copy, "no_funnel", session_id))


def test_another_methods_values_are_those_of_the_sample(published: Workspace, session_id: str) -> None:
    rows = published.slice_of("method_attribution_no_funnel", EXPLAINED).to_pylist()
    first = next(r for r in rows if (r["method"], r["session_id"]) == ("occlusion_dropped", session_id))
    text = shown(explain_session(published, "no_funnel", session_id, "occlusion_dropped"))
    assert f"{abs(first['centred_attribution']):.2f}" in text


def test_integrated_gradients_say_what_their_sum_misses(published: Workspace, session_id: str) -> None:
    text = shown(explain_session(published, "no_funnel", session_id, "integrated_gradients"))
    assert "The sum misses 0.0" in text


def test_what_has_no_unit_is_said_to_have_none(published: Workspace, session_id: str) -> None:
    text = shown(explain_session(published, "no_funnel", session_id, "attention_rollout"))
    assert "attention_rollout, no unit" in text and "not an effect" in text


def test_attention_is_also_shown_by_layer_and_head_and_its_mean_is_the_methods_value(
    published: Workspace, session_id: str
) -> None:
    model, sequences = (
        open_model(published, "no_funnel", EXPLAINED),
        open_sequences(published, "no_funnel", EXPLAINED),
    )
    session = sequences.select(np.flatnonzero(np.array(sequences.session_id.to_pylist()) == session_id))
    (by_head,) = attention_by_head(model, session)
    (batch,) = attribute_sessions(model, session, "attention_mean")
    assert np.allclose(by_head.mean(axis=(1, 2)), batch["signed_attribution"].to_numpy(), atol=1e-6)
    lines = shown(explain_session(published, "no_funnel", session_id, "attention_mean")).splitlines()
    rows = [[cell.strip() for cell in re.split("[┃│]", line)[1:-1]] for line in lines]
    layers, heads = by_head.shape[1:]
    header = rows.index(["#", "event", *(f"{n + 1}.{h + 1}" for n in range(layers) for h in range(heads))])
    assert rows[header + 2][2:] == [f"{100 * weight:.0f}" for weight in by_head[0].ravel()]


def test_an_unknown_method_is_named_with_the_known_ones(published: Workspace, session_id: str) -> None:
    with pytest.raises(AttributionError, match=r"'shap' is no attribution method: choose one of gradient_x_input"):
        explain_session(published, "no_funnel", session_id, "shap")


def test_what_is_published_must_be_in_logits(tmp_path) -> None:
    with pytest.raises(AttributionError, match="'random' gives no effects in logits"):
        check_method("random", in_logits=True)
    workspace = small_workspace(tmp_path)
    profile = workspace.profile.model_copy(
        update={"attribution": workspace.profile.attribution.model_copy(update={"method": "attention_mean"})}
    )
    object.__setattr__(workspace, "profile", profile)
    with pytest.raises(ConfigurationError, match=r"dataset small: attribution\.method: 'attention_mean'"):
        default_method(workspace)
