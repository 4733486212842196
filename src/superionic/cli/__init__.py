"""The command line: parse, call, print. Every command is a file of this folder."""

from __future__ import annotations

import importlib
import keyword
import sys

import click

from superionic.errors import InputError, SimulationError, StoreError

COMMANDS = {
    "run": "Run a study on this machine, build its documents and print them.",
    "check": "Check a study and say what it would run, without running it.",
    "submit": "Submit a study to jobflow-remote or FireWorks.",
    "build": "Build documents from the stored trajectories.",
    "show": "Show the documents.",
    "validate": "Judge a potential by stored runs of its reference.",
    "import": "Store a trajectory from VASP, LAMMPS, ASE, CP2K, xtc or dcd files as a run.",
    "adopt": "Store the trajectories of atomate2's MD jobs as runs.",
    "inspect": "Say what a stored run is, and check its frames.",
    "dataset": "Labelled frames: import, show, export, merge and split them.",
    "train": "Fine-tune CHGNet on a dataset and store the potential.",
    "potentials": "Trained potentials: list them with their errors, export one.",
    "export": "Write a stored run for other tools.",
    "enumerate": "Enumerate the distinct ways ions can be distributed over a host's sites.",
    "decorate": "Decorate cation sites with a high-entropy composition.",
    "place": "Place the mobile ions of a structure by electrostatics.",
    "clean": "Find and remove trajectories that no job names any more.",
    "repair": "Find damaged or missing trajectories, so that they are made again.",
    "init": "Write the configuration of an embedded store, or of MongoDB and a workflow manager.",
    "doctor": "Say what is installed and reachable, and what each missing thing would enable.",
    "bench": "Measure speed and memory against the usual tools.",
}
_DRIVERS = {"sqlite3", "montydb", "pymongo", "gridfs", "botocore"}


class _Commands(click.Group):
    """Loads a command's module only when the command is called, so that --help needs neither torch nor pymatgen."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        return importlib.import_module(f"superionic.cli.{module}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="superionic")
def cli() -> None:
    """How fast ions move in disordered solid electrolytes, from a CIF to diffusivity documents."""


def main() -> None:
    """Entry point: every expected error is one sentence and an exit code, without a traceback."""
    try:
        sys.exit(cli(standalone_mode=False))  # click returns the status of an Exit here instead of raising it
    except (click.exceptions.Abort, KeyboardInterrupt):  # click makes an Abort of a KeyboardInterrupt
        click.echo("superionic: stopped; the same command goes on where it stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InputError as error:
        click.echo(f"superionic: {error}", err=True)
        sys.exit(2)
    except (StoreError, SimulationError, OSError) as error:
        click.echo(f"superionic: {error}", err=True)
        sys.exit(1)
    except MemoryError as error:
        click.echo(f"superionic: this needs more memory than there is ({error}): ask for less", err=True)
        sys.exit(1)
    except Exception as error:
        if not _of_a_database(error):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".partition(", Timeout:")[0].split())
        click.echo(
            f"superionic: the database failed ({reason}): see whether it runs and has room on its disk; "
            "then the same command goes on",
            err=True,
        )
        sys.exit(1)


def _of_a_database(error: Exception) -> bool:
    """Whether it comes from a driver; those need not be installed."""
    return any(kind.__module__.partition(".")[0] in _DRIVERS for kind in type(error).__mro__)
