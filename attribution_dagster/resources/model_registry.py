"""Trained models by name and version in MLflow's registry: `<dataset>-<variant>`, with the aliases `challenger` and `champion`.

The training for the latest window is the challenger. A training becomes champion through the gate, once; a person may go back
to an earlier champion. Each champion notes the one whose place it took, so that the way back is a chain. Whoever scores uses
the champion; a window is explained by the model that was trained for it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attribution_dagster.errors import AttributionError, ConfigurationError

if TYPE_CHECKING:
    from attribution_dagster.core.models.gate import Decision

CHALLENGER, CHAMPION = "challenger", "champion"
MODEL_FOLDER = "attribution_model"
"""Artifact path, in a run, of the folder with weights, vocabularies and scaling."""
_ABSENT = "RESOURCE_DOES_NOT_EXIST"
_TRAINED_FOR, _DECISION, _DECIDED_ON = "trained_for", "gate.decision", "gate.window"
_SINCE, _BEFORE = "champion.since", "champion.before"
_STATE, _STATE_ON = "card.state", "card.window"


@dataclass(frozen=True, kw_only=True)
class RegisteredVersion:
    """One version of a registered model. `trained_for` is the first window that it explains."""

    model: str
    version: int
    run_id: str
    trained_for: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """How a report names it."""
        return f"{self.model} version {self.version}"

    @property
    def decision(self) -> str | None:
        """What the gate said of it, None if it was not asked."""
        return self.tags.get(_DECISION)

    @property
    def decided_on(self) -> str | None:
        """The window on which it was decided."""
        return self.tags.get(_DECIDED_ON)

    @property
    def state(self) -> str | None:
        """What its model card concludes, with the window; None as long as there is no card."""
        return f"{self.tags[_STATE]} ({self.tags[_STATE_ON]})" if _STATE in self.tags else None

    @property
    def was_champion(self) -> bool:
        """Whether it is, or has been, champion."""
        return _SINCE in self.tags

    @property
    def before(self) -> int | None:
        """The version whose place as champion it took, None for the first."""
        return int(self.tags[_BEFORE]) if _BEFORE in self.tags else None


class ModelRegistry:
    """The registered models of one dataset."""

    def __init__(self, uri: str, dataset: str) -> None:
        self._uri, self._dataset = uri, dataset

    def model(self, variant: str) -> str:
        """Name of the variant's registered model."""
        return f"{self._dataset}-{variant}"

    def register(self, variant: str, model_id: str, run_id: str, trained_for: str) -> RegisteredVersion:
        """The new version of the variant's model; it is the challenger now, unless that is trained for a later window."""
        from mlflow.exceptions import MlflowException

        client, name = self._client(), self.model(variant)
        try:
            client.create_registered_model(name, tags={"dataset": self._dataset, "variant": variant})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # Not mlflow.register_model: it writes to the terminal.
        source, tags = client.get_logged_model(model_id).artifact_location, {_TRAINED_FOR: trained_for}
        version = client.create_model_version(name, source, run_id, tags=tags, model_id=model_id)
        challenger = self._bearer(variant, CHALLENGER)
        if challenger is None or challenger.trained_for <= trained_for:
            client.set_registered_model_alias(name, CHALLENGER, version.version)
        return self.version(variant, int(version.version))

    def versions(self, variant: str) -> list[RegisteredVersion]:
        """All versions of the variant's model, oldest first."""
        found = self._client().search_model_versions(f"name = '{self.model(variant)}'")
        # The search leaves aliases out.
        return sorted((self.version(variant, int(v.version)) for v in found), key=lambda v: v.version)

    def version(self, variant: str, number: int) -> RegisteredVersion:
        """One version. ConfigurationError if the store has no such version."""
        from mlflow.exceptions import MlflowException

        try:
            return _version(self._client().get_model_version(self.model(variant), str(number)))
        except MlflowException as error:
            if error.error_code != _ABSENT:
                raise
        raise ConfigurationError(
            f"{self.model(variant)} has no version {number} in {self._uri}; "
            f"`attribution models --dataset {self._dataset}` lists those it has"
        )

    def champion(self, variant: str) -> RegisteredVersion | None:
        """The champion, None as long as no version has passed the gate."""
        return self._bearer(variant, CHAMPION)

    def download(self, version: RegisteredVersion, into: Path) -> Path:
        """A folder below `into` with the version's weights, vocabularies and scaling; `load_model` reads it."""
        import mlflow
        from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
        mlflow.set_tracking_uri(self._uri)
        return Path(
            mlflow.artifacts.download_artifacts(run_id=version.run_id, artifact_path=MODEL_FOLDER, dst_path=str(into))
        )

    def record(
        self,
        variant: str,
        version: RegisteredVersion,
        window_key: str,
        decision: "Decision",
        against: str,
        seen: RegisteredVersion | None,
    ) -> bool:
        """Tags the version with the gate's decision and its numbers, and makes it champion if it was promoted.

        False, with nothing noted, if `seen`, the champion that it was decided against, is champion no longer: decide anew.
        """
        now = self.champion(variant)
        if (now and now.version) != (seen and seen.version):
            return False
        numbers = {f"gate.{name}": str(value) for name, value in asdict(decision).items() if value is not None}
        tags = {
            **numbers,
            "gate.objections": "; ".join(decision.objections) or "none",
            "gate.against": against,
            _DECIDED_ON: window_key,
        }
        if decision.promoted:
            self._crown(variant, version, over=seen)
        # The decision comes last: without it the gate is asked again.
        self._tag(variant, version, tags)
        self._tag(variant, version, {_DECISION: "promoted" if decision.promoted else "refused"})
        return True

    def roll_back(self, variant: str, to: int | None, reason: str) -> tuple[RegisteredVersion, RegisteredVersion]:
        """The champion until now and the one from now on: version `to`, or else the last champion before.

        Raises:
            AttributionError: there is no champion, or none before it, or `to` is it already or failed the gate.
        """
        old = self.champion(variant)
        if old is None:
            raise AttributionError(f"{self.model(variant)} has no champion to roll back from")
        earlier = self.earlier_champions(variant)
        if to is None and not earlier:
            raise AttributionError(
                f"{old.name} is the first champion that is left; there is none to go back to. Name one with --to"
            )
        new = self.version(variant, to) if to is not None else earlier[0]
        if new.version == old.version:
            raise AttributionError(f"{new.name} is the champion already")
        if not new.was_champion:
            raise AttributionError(
                f"{new.name} has never been champion: the gate said {new.decision or 'nothing yet'}. Versions that were: "
                f"{', '.join(str(v.version) for v in self.versions(variant) if v.was_champion)}"
            )
        goes_back = new.version in {version.version for version in earlier}
        self._crown(variant, new, over=None if goes_back else old)
        self._tag(variant, new, {"rollback.from": str(old.version), "rollback.at": _now(), "rollback.reason": reason})
        return old, self.version(variant, new.version)

    def earlier_champions(self, variant: str) -> list[RegisteredVersion]:
        """The champions that the present one followed, latest first: `rollback` goes to the first, and leads to none that it came from.

        Those that are deleted, and what was before them, are not among them.
        """
        known, found = {version.version: version for version in self.versions(variant)}, []
        current = self.champion(variant)
        while current is not None and current.before in known:
            current = known[current.before]
            found.append(current)
        return found

    def note_state(self, variant: str, version: RegisteredVersion, state: str, window_key: str) -> None:
        """Tags the version with what its model card concludes, on the window that it explains."""
        self._tag(variant, version, {_STATE: state, _STATE_ON: window_key})

    def remove(self, variant: str, version: RegisteredVersion) -> None:
        """Deletes a version; its weights lie in its run."""
        self._client().delete_model_version(self.model(variant), str(version.version))

    def _crown(self, variant: str, version: RegisteredVersion, over: RegisteredVersion | None) -> None:
        """Moves the alias. `over` is the champion that a rollback from here leads to, None if that stays whom it was."""
        tags = {_SINCE: _now()}
        # A gate that died on its way finds its own version as champion.
        if over is not None and over.version != version.version:
            tags[_BEFORE] = str(over.version)
        self._tag(variant, version, tags)
        self._client().set_registered_model_alias(self.model(variant), CHAMPION, str(version.version))

    def _bearer(self, variant: str, alias: str) -> RegisteredVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            aliases = self._client().get_registered_model(self.model(variant)).aliases
        except MlflowException as error:
            if error.error_code != _ABSENT:
                raise
            return None
        return self.version(variant, int(aliases[alias])) if alias in aliases else None

    def _tag(self, variant: str, version: RegisteredVersion, tags: Mapping[str, str]) -> None:
        client = self._client()
        for name, value in tags.items():
            client.set_model_version_tag(self.model(variant), str(version.version), name, value)

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)


def _version(found: Any) -> RegisteredVersion:
    return RegisteredVersion(
        model=found.name,
        version=int(found.version),
        run_id=found.run_id,
        trained_for=found.tags.get(_TRAINED_FOR, ""),
        aliases=tuple(sorted(found.aliases)),
        tags=dict(found.tags),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
