"""Settings of this installation: ~/.superionic.yaml, overridden by SUPERIONIC_* environment variables."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

SETTINGS_FILE = Path("~/.superionic.yaml")


def cache_folder(name: str) -> Path:
    """A folder for what is dear to compute again: in SUPERIONIC_CACHE or ~/.cache/superionic, else a temporary one.

    Raises
    ------
    OSError
        If none of them can be written.
    """
    wanted = Path(os.environ.get("SUPERIONIC_CACHE") or Path.home() / ".cache" / "superionic").expanduser()
    temporary = Path(tempfile.gettempdir()) / f"superionic-{os.getuid() if hasattr(os, 'getuid') else ''}"
    for folder in (wanted, temporary):
        path = folder / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(path, os.W_OK):
            return path
    raise OSError(f"neither {wanted} nor {temporary} can be written: set SUPERIONIC_CACHE to a folder that can")


class SuperionicSettings(BaseSettings):
    """Where results go and how many processes work."""

    model_config = SettingsConfigDict(env_prefix="SUPERIONIC_", extra="forbid")

    store_dir: Path = Field(
        Path("superionic-data"), description="Folder of the embedded JobStore, used if jobflow_config is not given"
    )
    jobflow_config: Path | None = Field(
        None, description="A jobflow.yaml whose JOB_STORE holds jobs and, next to them, the documents"
    )
    workers: int | None = Field(None, ge=1, description="Processes of a local run; one a core if not given")

    analysis_memory_GB: float | None = Field(
        None,
        gt=0,
        description="What the positions of one run and work on them may take in its analysis, in GB of 10^9 bytes; "
        "a quarter of the free memory if not given. Longer runs go to a temporary file and are read from it in parts",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings names them
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        file = YamlConfigSettingsSource(settings_cls, yaml_file=SETTINGS_FILE.expanduser())
        return init_settings, env_settings, file
