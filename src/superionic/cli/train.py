"""superionic train DATASET: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.options import settings, store_option


@click.command("train")
@click.argument("dataset")
@click.option("--base", default="0.3.0", show_default=True, help="CHGNet model, checkpoint, or stored potential.")
@click.option("--preset", default="best", show_default=True, help="study, upstream, full or best.")
@click.option("--name", help="Name of the potential [default: DATASET-PRESET].")
@click.option("--epochs", "n_epochs", type=click.IntRange(min=1), help="Times that every frame is seen.")
@click.option("--learning-rate", type=float, help="Of Adam, at the first step.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the order of frames.")
@store_option
def command(
    dataset: str,
    base: str,
    preset: str,
    name: str | None,
    n_epochs: int | None,
    learning_rate: float | None,
    seed: int | None,
    store_dir: Path | None,
) -> None:
    """Fine-tune CHGNet on a stored, split DATASET and store the potential.

    Stopped or killed and run again, it goes on.
    """
    chosen = settings(store_dir)
    from superionic.managers.threads import share_cores

    share_cores(1)  # before numpy and torch are loaded
    from jobflow import Flow

    from superionic.cli.potentials import potential_lines
    from superionic.cli.running import run_here
    from superionic.makers.fine_tune import FineTuneMaker
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import load_dataset
    from superionic.stores.potentials import load_trained
    from superionic.training.presets import settings_of
    from superionic.training.trained import model_of

    given = {"n_epochs": n_epochs, "learning_rate": learning_rate, "seed": seed}
    how = settings_of(preset, **{key: value for key, value in given.items() if value is not None})
    with open_stores(chosen).connected() as stores:
        frames = load_dataset(stores.jobs, dataset)
        title = name or f"{frames.name}-{preset}"
        maker = FineTuneMaker(title, base=model_of(base, stores.jobs), settings=how, preset=preset)
        run = run_here(Flow([maker.make(frames)], name=f"train {title}"), 0, stores, chosen, 1)
        if run.failed:
            raise click.exceptions.Exit(1)
        click.echo("\n".join(potential_lines(load_trained(stores.jobs, title))))
