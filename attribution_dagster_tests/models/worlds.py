"""Small worlds with a known truth, as sequence sets, and small models to run on them."""

import numpy as np
import pyarrow as pa
import torch
from scipy.stats import norm

from attribution_dagster.core.models.pairs import N_PAIRS, NO_PAIR
from attribution_dagster.core.models.spec import ModelSpec
from attribution_dagster.core.models.transformer import AttributionModel
from attribution_dagster.core.sequences.sequence_set import SequenceSet
from attribution_dagster.core.sequences.vocabulary import NumberScaling, Vocabulary

CATEGORIES = ("event_type", "store_id", "primary_tag")
FULL_COLUMNS = ("event_type", "discovery_feature", "store_id", "store_name", "primary_tag", "primary_category")
NUMBERS = ("event_rank", "time_delta", "is_nv")
EFFECTS = np.array([1.2, 0.6, 0.0, 0.0, -0.6, -1.0])


def length_quantiles(n_sessions, mean=26.0, longest=200, spread=1.0):
    """Lengths at fixed quantiles of a lognormal distribution, in an order that depends on nothing else."""
    quantiles = norm.ppf((np.arange(n_sessions) + 0.5) / n_sessions)
    lengths = np.clip(np.round(np.exp(np.log(mean) - spread**2 / 2 + spread * quantiles)), 1, longest)
    return np.random.default_rng(0).permutation(lengths.astype(np.int64))


def sessions(lengths, seed=0, types=6, stores=9, label=None, columns=CATEGORIES):
    """Random sessions of these lengths; a tenth of the stores is NULL, and so is an event type now and then."""
    rng = np.random.default_rng(seed)
    lengths = np.asarray(lengths, dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    n_events, n_sessions = int(offsets[-1]), len(lengths)
    sizes = {
        "event_type": types,
        "store_id": stores,
        "store_name": stores,
        "primary_tag": 4,
        "primary_category": 3,
        "discovery_feature": 5,
    }
    codes = {name: rng.integers(0, sizes[name], n_events).astype(np.int32) for name in columns}
    for name in columns[1:]:
        codes[name][rng.random(n_events) < 0.1] = -1
    rank = np.arange(n_events) - np.repeat(offsets[:-1], lengths) + 1
    delta = np.where(rank == 1, 0.0, rng.exponential(20.0, n_events))
    nv = rng.integers(0, 2, n_events).astype(np.float32)
    nv[rng.random(n_events) < 0.1] = np.nan
    return SequenceSet(
        offsets=offsets,
        codes=codes,
        dictionaries={name: [f"{name}_{index}" for index in range(sizes[name])] for name in columns},
        numbers={"event_rank": rank.astype(np.float32), "time_delta": delta.astype(np.float32), "is_nv": nv},
        event_at_us=np.arange(n_events, dtype=np.int64),
        session_id=pa.array([f"s{seed}-{index}" for index in range(n_sessions)]),
        user_id=pa.array([f"u{index % max(n_sessions // 2, 1)}" for index in range(n_sessions)]),
        label=rng.integers(0, 2, n_sessions).astype(np.int8) if label is None else label,
        in_risk_set=np.ones(n_sessions, dtype=bool),
        started_at_us=np.arange(n_sessions, dtype=np.int64),
    )


def with_label(world, label):
    """The same sessions with other labels."""
    fields = {name: getattr(world, name) for name in world.__dataclass_fields__}
    return SequenceSet(**{**fields, "label": label.astype(np.int8)})


def planted_world(n_sessions, seed=0, pair=0.0, bias=-0.5):
    """Short sessions with labels by EFFECTS per event, decaying with position, and `pair` for type 2 right after 3.

    Returns the set, each event's planted contribution (without pairs) and each session's true logit.
    """
    rng = np.random.default_rng(1000 + seed)
    world = sessions(rng.integers(2, 9, n_sessions), seed=seed)
    contribution = EFFECTS[world.codes["event_type"]] * np.exp(-(world.numbers["event_rank"] - 1) / 6)
    session, types = np.repeat(np.arange(n_sessions), world.lengths), world.codes["event_type"]
    together = np.zeros(len(types))
    together[1:] = (types[1:] == 2) & (types[:-1] == 3) & (session[1:] == session[:-1])
    logit = bias + np.bincount(session, contribution + pair * together, n_sessions)
    return with_label(world, rng.random(n_sessions) < 1 / (1 + np.exp(-logit))), contribution, logit


def planted(lengths, seed=0, types=20):
    """Sessions of these lengths over all columns; labels by an additive effect per type, decaying with position."""
    world = sessions(lengths, seed=seed, types=types, stores=300, columns=FULL_COLUMNS)
    effects = np.random.default_rng(7).normal(0.0, 0.4, types)
    contribution = effects[world.codes["event_type"]] * np.exp(-(world.numbers["event_rank"] - 1) / 10)
    logit = -0.5 + np.bincount(np.repeat(np.arange(len(lengths)), world.lengths), contribution, len(lengths))
    return with_label(world, np.random.default_rng(seed + 99).random(len(lengths)) < 1 / (1 + np.exp(-logit)))


def small_spec(**changes):
    """A specification that is quick to build: two layers, 24 wide."""
    settings = {
        "categories": CATEGORIES,
        "numbers": NUMBERS,
        "d_model": 24,
        "n_heads": 3,
        "n_layers": 2,
        "d_feedforward": 48,
        "d_category": 8,
        "max_events": 30,
    }
    return ModelSpec(**{**settings, **changes})


def random_model(sequences, spec=None, seed=0):
    """A model with random weights everywhere, biases, norms and the additive term included, in evaluation mode."""
    spec = spec or small_spec()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vocabulary = Vocabulary.fit(sequences, spec.categories, min_count=1)
        model = AttributionModel(spec, vocabulary, NumberScaling.fit(sequences, spec.numbers))
        with torch.no_grad():
            for value in [*model.parameters(), model.mean_event, model.mean_additive]:
                value.add_(0.1 * torch.randn(value.shape))
            if model.additive_term is not None:
                model.additive_term.is_pair_used.copy_(torch.rand(N_PAIRS) < 0.3)
                model.additive_term.is_pair_used[NO_PAIR] = False
    return model.eval()
