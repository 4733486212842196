"""superionic repair: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.options import settings, store_option


@click.command("repair")
@click.argument("run", required=False)
@click.option("--yes", is_flag=True, help="Forget them; without it they are only named.")
@store_option
def command(run: str | None, store_dir: Path | None, yes: bool) -> None:
    """Check every stored trajectory, or that of RUN, and forget what is damaged with --yes.

    Of a run, the damaged or missing segment and those after it are forgotten: `superionic run` then goes on from the
    last good one, `superionic import` stores the run anew. What jobflow-remote or FireWorks ran is run again there.
    """
    from contextlib import nullcontext

    from superionic.errors import StoreError
    from superionic.managers.damage import damaged, forget
    from superionic.managers.journal import Journal
    from superionic.stores.blobs import busy_jobs
    from superionic.stores.connecting import open_stores
    from superionic.stores.runs import find_run, stored_runs

    chosen = settings(store_dir)
    with (
        open_stores(chosen).connected() as stores,
        Journal(chosen.store_dir / "journal").locked() if yes else nullcontext(),
    ):
        if yes and (busy := busy_jobs(stores.jobs)):
            raise StoreError(f"{busy} jobs are at work or in the queue: repair when they have ended")
        if run is not None:
            uuids = [find_run(stores.jobs, run)]
        else:
            uuids = [found.run_id for found in stored_runs(stores.jobs, {})]
        found = damaged(stores.jobs, uuids, uuids)
        for damage in found:
            click.echo(str(damage))
            if yes:
                forget(stores.jobs, damage)
    click.echo(
        f"{len(uuids)} runs checked, {len(found)} damaged{' and forgotten from there on' * (yes and bool(found))}"
    )
    if found and not yes:
        click.echo("--yes forgets them; then the command that made a run makes them again")
        raise click.exceptions.Exit(1)
