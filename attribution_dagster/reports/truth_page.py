"""The page of the truth benchmark, in Markdown: what was expected, what was found, by method and by world."""

from collections.abc import Mapping, Sequence

from attribution_dagster.core.attribution.baselines.credit import HALF_LIFE_S
from attribution_dagster.core.benchmark.aims import METHOD, Aim, Figure, aims, figure_by_world, overall
from attribution_dagster.core.benchmark.scoring import MINIMUM_OCCURRENCES
from attribution_dagster.core.benchmark.worlds import SPEC, VALIDATION_SHARE, Size, WorldResult
from attribution_dagster.core.simulation.truth_set import CONTROLS_PER_CASE
from attribution_dagster.core.simulation.truth_worlds import WORLDS

PICTURE = "truth-benchmark.png"
FIGURES: Mapping[str, tuple[str, Figure]] = {
    "rank": ("rank correlation", lambda found: found.rank_correlation),
    "signs": ("right signs", lambda found: found.sign_accuracy),
    "top 5": ("precision at 5", lambda found: found.precision_at_5),
    "occ.": ("correlation of occurrences within a type", lambda found: found.within_type),
    "slope": ("slope of score on truth", lambda found: found.slope),
    "cover": ("share of intervals that hold the truth", lambda found: found.coverage),
    "s/1,000": ("seconds per 1,000 sessions", lambda found: found.seconds_per_1000),
}


def truth_page(results: Sequence[WorldResult], size: Size, command: str) -> str:
    """Return the page; `command` is what was called."""
    seeds = len({result.seed for result in results})
    return "\n".join(
        [
            "# Truth benchmark",
            "",
            f"Written by `{command}`: {len({r.world for r in results})} simulated worlds, {seeds} seed{'s' * (seeds > 1)}, "
            f"about {size.sessions:,} training sessions each ({VALIDATION_SHARE:.0%} of them for validation), {size.explained:,} later ones "
            f"explained. The model: the default specification (additive readout, local convolution, pairs) at width {SPEC.d_model}, "
            f"{SPEC.n_layers} layers, {SPEC.n_heads} heads. Everything here is simulated.",
            "",
            "![Rank correlation and correlation of occurrences, methods by worlds](" + PICTURE + ")",
            "",
            "## What was expected",
            "",
            f"Of `{METHOD}`, the default method:",
            "",
            *(f"- {_verdict(aim)}: {aim.said}" for aim in aims(results)),
            "",
            "## Methods and baselines, mean over the worlds",
            "",
            *_summary(results),
            "",
            *_reading(),
            "",
            "## Rank correlation by world",
            "",
            *_by_world(results, "rank"),
            "",
            "## Signs by world",
            "",
            *_by_world(results, "signs"),
            "",
            "## Which occurrence of a type mattered, by world",
            "",
            *_by_world(results, "occ."),
            "",
            "## Prediction",
            "",
            *_prediction(results),
            "",
            "## The worlds",
            "",
            *_worlds(results),
            "",
            *_truth_and_limits(),
            "",
        ]
    )


def _verdict(aim: Aim) -> str:
    return "not asked" if aim.is_met is None else "met" if aim.is_met else "**not met**"


def _summary(results: Sequence[WorldResult]) -> list[str]:
    lines = ["| | " + " | ".join(FIGURES) + " |", "|---" + "|---:" * len(FIGURES) + "|"]
    for kind in ("methods", "baselines"):
        for name in getattr(results[0], kind):
            cells = [_cell(overall(results, name, figure)) for _, figure in FIGURES.values()]
            lines.append(f"| {_name(name)} | " + " | ".join(cells) + " |")
    return lines


def _by_world(results: Sequence[WorldResult], figure: str) -> list[str]:
    values = figure_by_world(results, FIGURES[figure][1])
    worlds = list(dict.fromkeys(result.world for result in results))
    lines = [
        "| | " + " | ".join(world.replace("_", " ") for world in worlds) + " |",
        "|---" + "|---:" * len(worlds) + "|",
    ]
    return lines + [f"| {_name(n)} | " + " | ".join(_cell(by[w]) for w in worlds) + " |" for n, by in values.items()]


def _prediction(results: Sequence[WorldResult]) -> list[str]:
    head = (
        "| world | seed | sessions | AUC | counts | oracle | gain share | counts' share | network kept | pairs found |"
    )
    return [
        head,
        "|---" + "|---:" * 7 + "|---|---|",
        *(
            f"| {r.world.replace('_', ' ')} | {r.seed} | {r.sessions:,} | {r.auc:.3f} | {r.auc_counts:.3f} | {r.auc_oracle:.3f} | "
            f"{r.gain_share:.2f} | {r.gain_share_counts:.2f} | {f'epoch {r.best_epoch:.1f}' if r.best_epoch else 'no'} | "
            f"{', '.join(f'`{p.first}` then `{p.second}`' for p in r.pairs) or 'none'} |"
            for r in results
        ),
        "",
        "On as many later sessions as were trained on. `counts`: logistic regression on counts. The oracle knows the hazard, hidden intents "
        "included, and gets a slope and an intercept fitted on the test sessions. Gain share: how much of its log-loss gain over the base rate "
        "a predictor takes; above 1 in `length`, where nothing is cut: sessions that convert end early, which a predictor sees and the oracle, "
        "asked for the hazard at the end, does not. `network kept`: where training was stopped; `no` where validation kept the additive start.",
    ]


def _worlds(results: Sequence[WorldResult]) -> list[str]:
    shown = list(dict.fromkeys(result.world for result in results))
    return [
        "| world | what is hard about it |",
        "|---|---|",
        *(f"| {w.replace('_', ' ')} | {WORLDS[w].lesson} |" for w in shown),
    ]


def _reading() -> list[str]:
    return [
        "- **rank**: Spearman's correlation, over event types, of mean score and mean planted effect. A third of the types has no effect; these "
        "are tied in truth, so .98 is about the highest that can be reached. Small differences are chance: `--seeds` says how small.",
        "- **signs**: share of types with an effect whose score lies on the right side of the average occurrence's. Credits, which are never "
        "negative, are judged in the same way, in their favour.",
        "- **top 5**: how many of the five largest effects, up or down, are among the five largest scores.",
        "- **occ.**: over single occurrences, correlation of score and planted effect, each less the mean of its type. A score that "
        "is the same for all occurrences of a type gets 0; worlds in which they do not differ are left out.",
        "- **slope**: of mean score on mean planted effect; 1 where sizes are right. Only scores in logits have it.",
        "- **cover**: share of types whose published kind of interval (95 %, clustered by user) holds the planted mean. It is **not** "
        "near 95 %, and does not claim to be: the interval is about the mean under this one model, and knows nothing of how far "
        "the model is from the truth.",
        "- **s/1,000**: seconds for 1,000 sessions on the machine that wrote the page; a baseline's holds its fit.",
        f"- Types with fewer than {MINIMUM_OCCURRENCES} explained occurrences take no part.",
    ]


def _truth_and_limits() -> list[str]:
    return [
        "## The truth",
        "",
        "At each event a session converts with a hazard whose logit is an intercept plus the worth of all events so far "
        "(`core/simulation/world.py`). The planted effect of an occurrence is the change of that logit, at the end of what is visible, when it "
        "alone is deleted and every other keeps its place. A test deletes occurrences, computes the hazard path anew and finds the same. "
        f"Each converted session is compared with up to {CONTROLS_PER_CASE} others that did not convert, cut to its length, except in "
        "`length`, where nothing is cut.",
        "",
        "## The baselines",
        "",
        "Logistic regressions score an occurrence by the weights that fall away with it: of its type; of its type in a bin of positions; of its "
        "type and of the pairs it forms with its neighbours, at one store or not. `univariate difference` is P(converted | present) less "
        "P(converted | absent). `last event`, `first event`, "
        f"`time decay` (half-life {HALF_LIFE_S / 60:.0f} minutes) and `shapley` share out each conversion; `markov removal` shares out all "
        "of them by the conversions lost without the type. A type's score is its mean credit per occurrence.",
        "",
        "## Limits",
        "",
        "- The worlds come from one simulator, whose hazard is additive in events and pairs on the logit scale; a real shop's need not be. A "
        "good rank here says that a method finds what such a world holds, not that a real effect is causal.",
        "- In `confounded` no method can tell the banner from the intent behind it: only an experiment can.",
        "- The model is smaller than the default one, and is trained on fewer sessions than a month of a large shop; "
        "[evidence.md](evidence.md) holds the full-size model in the default world.",
    ]


def _name(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")
