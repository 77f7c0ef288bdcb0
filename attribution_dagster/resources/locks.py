"""Who works on what: whoever makes an asset in a window has it to himself, and what is read stays as it is meanwhile.

Two runs may work on one window at a time, or one restate what another one reads. Without a lock the latter would be made half of old and
half of new rows. The locks are the operating system's (flock), so a process that dies gives them up. They lie in the home, which all
machines share; a file system that can't lock (NFS can, from version 4 on) is refused.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attribution_dagster.errors import ConfigurationError

_Place = tuple[str, str]


class Locks:
    """The locks of one dataset, a file for each asset and window."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made with the first lock."""
        self._folder = folder

    @contextmanager
    def making(self, made: _Place, read: Iterable[_Place], waits: Callable[[str], None]) -> Iterator[None]:
        """Holds an asset in a window alone, and what is read together with its other readers; `waits` is told of what is held by others.

        Everybody asks in the same order, so nobody waits for one who waits for him.
        """
        wanted = {place: fcntl.LOCK_SH for place in read} | {made: fcntl.LOCK_EX}
        with self._at_work(), ExitStack() as held:
            for place in sorted(wanted):
                asset, window_key = place
                held.enter_context(self._held(self._folder / asset / f"{window_key}.lock", wanted[place], waits))
            yield

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Holds nothing in particular, but that no user is forgotten meanwhile."""
        with self._at_work():
            yield

    @contextmanager
    def forgetting(self, waits: Callable[[str], None]) -> Iterator[None]:
        """Holds the whole dataset: nobody makes or judges anything, or finds rows of the user and stores them anew."""
        with self._held(self._folder / "dataset.lock", fcntl.LOCK_EX, waits):
            yield

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._held(self._folder / "dataset.lock", fcntl.LOCK_SH, lambda _: None):
            yield

    @contextmanager
    def _held(self, path: Path, kind: int, waits: Callable[[str], None]) -> Iterator[None]:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            try:
                fcntl.flock(file, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                waits(str(path.relative_to(self._folder).with_suffix("")))
                fcntl.flock(file, kind)
            except OSError as error:
                raise ConfigurationError(
                    f"{path} can't be locked ({error.strerror}): ATTRIBUTION_HOME must lie on a file system with flock, a local disk or NFS 4"
                ) from error
            yield
