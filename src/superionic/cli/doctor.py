"""superionic doctor: parse, call, print."""

from __future__ import annotations

import json
from pathlib import Path

import click

from superionic.cli.options import json_option, settings, store_option


@click.command("doctor")
@store_option
@json_option
def command(store_dir: Path | None, as_json: bool) -> None:
    """Look for stores, versions, model weights, engines and managers, and say what to do about what is missing.

    Exit status 1 if something is wrong that superionic cannot work without.
    """
    from superionic.managers.checks import examine

    findings = []
    for finding in examine(settings(store_dir)):
        findings.append(finding)
        if not as_json:
            click.echo(finding.line())
    if as_json:
        click.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    if any(finding.state == "wrong" for finding in findings):
        raise click.exceptions.Exit(1)
