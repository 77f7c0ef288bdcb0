"""Pages for people from templates: HTML that needs nothing else (no script, no font or style from elsewhere), and Markdown.

Names come from outside. HTML is escaped by the template engine; in Markdown every value passes through `escape`.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attribution_dagster.reports.labels import shorten
from attribution_dagster.reports.markdown import escape

if TYPE_CHECKING:
    from jinja2 import Environment, Template

TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 4000
"""Characters of a value in Markdown; a sentence with all its rates stays below."""


def page_template(name: str) -> "Template":
    """The template `name` in `reports/templates/`: escaped as HTML for `.html`, as Markdown for `.md`."""
    return _environment(name.rpartition(".")[-1]).get_template(name)


@cache
def _environment(kind: str) -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    markdown = kind == "md"
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=not markdown,
        # Applied to every value that a template puts out, not to the template's own text.
        finalize=(lambda value: escape(str(value), LONGEST)) if markdown else (lambda value: value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["name"] = lambda value: shorten(value, 60)
    return environment
