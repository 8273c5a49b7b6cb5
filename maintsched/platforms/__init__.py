"""Platform files: data only, one YAML file per network OS. Reading them is the work of `config`."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def names() -> tuple[str, ...]:
    """The platforms that there is a file for, sorted."""
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in files(__name__).iterdir() if entry.name.endswith(".yaml"))
    )


def file_of(name: str) -> Traversable:
    return files(__name__) / f"{name}.yaml"
