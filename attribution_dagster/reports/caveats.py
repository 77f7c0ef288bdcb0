"""The sentences that travel with numbers: leakage, simulated data, and what an effect is and is not."""

LEAKAGE = "DATA LEAKAGE"
SIMULATED = "SIMULATED DATA"

LEAKAGE_SENTENCE = (
    f"{LEAKAGE}: the model sees funnel events, which are part of converting. It shows how much the funnel gives away, "
    "not what drives conversion."
)
SIMULATED_SENTENCE = f"{SIMULATED}: drawn by a program with known effects, not observed."
MODEL_NOT_CAUSE = (
    "Effects are what this model learnt from observed sessions. They are not causal: only an experiment shows what "
    "happens when an event is added or taken away."
)
EXPERIMENT_SENTENCE = (
    "Effects are differences between randomised arms, so they are causal for the units of this experiment. Scores of single units are "
    "predictions: only groups are measured."
)
EFFECT_UNIT = "mean effect against an average event, per occurrence, in logits (log-odds of converting)"


def warning(*, leaks: bool, simulated: bool) -> str | None:
    """The words that mark a row, or None where nothing needs saying."""
    return "; ".join([LEAKAGE] * leaks + [SIMULATED] * simulated) or None
