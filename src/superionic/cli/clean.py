"""superionic clean: parse, call, print."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from time import sleep

import click

from superionic.cli.options import settings, store_option

_PAUSE_S = 10.0


@click.command("clean")
@click.option("--yes", is_flag=True, help="Remove them; without it they are only counted.")
@click.option("--unstored", is_flag=True, help="Also those of jobs that are not in the store at all.")
@store_option
def command(store_dir: Path | None, yes: bool, unstored: bool) -> None:
    """Find trajectories that no job names, as killed and repeated jobs leave them, and remove them with --yes.

    Refused while jobs run: on this machine, or in a queue of jobflow-remote or FireWorks in the same database. A blob
    is removed only if nothing names it at two looks some seconds apart, and its job is stored with another one.
    Blobs of jobs that are not stored may be all that is left of them: these stay, unless --unstored is given too.
    """
    from superionic.errors import StoreError
    from superionic.managers.journal import Journal
    from superionic.stores.blobs import blobs_of_no_stored_job, busy_jobs, orphaned_blobs, remove_blobs
    from superionic.stores.connecting import open_stores

    chosen = settings(store_dir)
    with open_stores(chosen).connected() as stores, ExitStack() as stack:
        orphans = orphaned_blobs(stores.jobs)
        if yes and orphans:
            stack.enter_context(Journal(chosen.store_dir / "journal").locked())
            if busy := busy_jobs(stores.jobs):
                raise StoreError(f"{busy} jobs are at work or in the queue: clean when they have ended")
            sleep(_PAUSE_S)
            orphans &= orphaned_blobs(stores.jobs)
            if orphans and stores.jobs.docs_store.count() == 0:
                raise StoreError(
                    f"the store holds {len(orphans)} blobs and not one job: the documents of its jobs are lost or "
                    "elsewhere; nothing was removed; bring them back from a backup, or look which store is meant"
                )
        alone = blobs_of_no_stored_job(stores.jobs, orphans)
        named = orphans if unstored else orphans - alone
        if yes:
            remove_blobs(stores.jobs, named)
    if not orphans:
        click.echo("every blob belongs to a job")
    elif yes:
        click.echo(f"removed {len(named)} blobs that no job names")
    else:
        click.echo(f"{len(orphans)} blobs that no job names: --yes removes them")
    if alone and not unstored:
        click.echo(
            f"{len(alone)} of them stay: their jobs are not in the store, killed while they were stored or lost since; "
            "run again, such a job is stored whole; --yes --unstored removes its blob"
        )
