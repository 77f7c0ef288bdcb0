"""The command line: the commands together. Errors are one line, exit code 1."""

import os
import sys

import typer
from rich.console import Console
from rich.markup import escape

from attribution_dagster.cli.commands import caring, looking, making, opening
from attribution_dagster.errors import AttributionError

app = typer.Typer(
    help="Which events of a session drive conversion: from event streams to attribution tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (making, looking, caring, opening):
    app.add_typer(commands.app)


def main() -> None:
    """Entry point of the command `attribution`; ends the process."""
    code = 0
    try:
        app()
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
    except (AttributionError, OSError) as error:  # OSError: a disk that is full or gone
        Console(stderr=True).print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        code = 1
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; what was published stays as it was")
        code = 130
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: DuckDB's bindings print pages of leak warnings when torch and Dagster still hold modules at the end.
    os._exit(code)


if __name__ == "__main__":
    main()
