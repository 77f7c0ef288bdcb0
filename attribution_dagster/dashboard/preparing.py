"""What is imported, opened and read on first use, used once before the first visitor comes."""

from attribution_dagster.dashboard import source
from attribution_dagster.dashboard.showing import rows_of, table_of
from attribution_dagster.reports.sections import PAGES


def prepare() -> None:
    """Read and draw, for nobody, what each page shows first of the dataset and the window that a link without them opens."""
    dataset = source.datasets()[0]
    keys = source.windows(dataset)
    window = source.window(dataset, keys[0]) if keys else None
    if window is None:
        return
    variant = next(iter(window.workspace.profile.variants), None)
    for section in (page.sections[0] for page in PAGES.values() if window.has(page.of)):
        if window.lacks(section, variant):
            continue
        rows = rows_of(window, section, variant)
        table_of(rows, section.columns)
        if section.figure is not None and rows.num_rows:
            section.figure(rows.to_pylist()).to_json()
