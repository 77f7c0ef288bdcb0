"""What the simple baseline, logistic regression on counts, says of each event type."""

from collections.abc import Mapping


def baseline_effects(occurrences: Mapping[str, int], weights: Mapping[str, float]) -> dict[str, float]:
    """Return each event type's weight against that of an average event, in logits, for the types that the baseline knows.

    Args:
        occurrences: event type -> how often it occurs, to weigh the average event.
        weights: event type -> weight of an occurrence in the baseline, in logits.
    """
    known = [name for name in occurrences if name in weights]
    total = sum(occurrences[name] for name in known)
    mean = sum(weights[name] * occurrences[name] for name in known) / total if total else 0.0
    return {name: weights[name] - mean for name in known}
