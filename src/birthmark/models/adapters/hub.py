"""Repositories of the Hugging Face Hub: looked up in the local cache, fetched only when asked."""

from __future__ import annotations

import re
from pathlib import Path

from birthmark.common.errors import BirthmarkError

SPEC = re.compile(
    r"hf:(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?"
)
WANTED = [
    *("config.json", "preprocessor_config.json"),
    *("model*.safetensors", "model*.safetensors.index.json"),
]


def download(spec: str) -> Path:
    """Fetch a repository's description and safetensors into the local cache; nothing else.

    Parameters
    ----------
    spec
        `hf:owner/name` or `hf:owner/name@revision`.

    Returns
    -------
    pathlib.Path
        The folder, named after the commit.

    Raises
    ------
    BirthmarkError
        If there is no such repository, it cannot be reached, or the extra `hub` is missing.
    """
    return _snapshot(spec, local=False)


def cached(spec: str) -> Path:
    """The folder of a repository that was fetched before; the network is not used.

    Raises
    ------
    BirthmarkError
        If it was not, or the extra `hub` is missing.
    """
    return _snapshot(spec, local=True)


def _snapshot(spec: str, *, local: bool) -> Path:
    match = SPEC.fullmatch(spec)
    if match is None:
        raise BirthmarkError(spec, "does not name a repository", "write it as hf:owner/name")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise BirthmarkError(
            spec, "needs huggingface_hub, which is not installed", "pip install 'birthmark[hub]'"
        ) from error
    try:
        return Path(
            snapshot_download(
                match["repository"],
                revision=match["revision"],
                allow_patterns=WANTED,
                local_files_only=local,
            )
        )
    except Exception as error:
        if local:
            raise BirthmarkError(
                spec,
                "is not in the local cache",
                "pass --allow-download to fetch it, or name a local copy",
            ) from error
        raise BirthmarkError(
            spec,
            f"cannot be fetched ({type(error).__name__}: {error})",
            "check the name and the network, or name a local copy",
        ) from error
