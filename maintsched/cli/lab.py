"""`lab up|status|break|heal|exec|down`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintsched.cli.common import actor, config_path, emit, json_option, say, table
from maintsched.errors import NoDatabase

if TYPE_CHECKING:
    from maintsched.domain.inventory import Inventory
    from maintsched.lab import LabState


@click.group()
@click.option(
    "--dir", "directory", metavar="DIR", help="Where the lab keeps its state (default: lab/ beside the config)."
)
@click.pass_context
def lab(ctx: click.Context, directory: str | None) -> None:
    """Real routers in network namespaces, built from the inventory, to rehearse on. Needs root."""
    ctx.obj = {**ctx.obj, "lab": directory}


def _config() -> Path:
    """The config whose routers are built: the one that every command finds, else the demo's, made beside the state."""
    from maintsched.state import state_dir

    try:
        return config_path().resolve()
    except NoDatabase:
        if click.get_current_context().find_root().obj["config"]:
            raise
    demo = state_dir(None) / "lab-demo"
    if not (demo / "maintsched.yaml").is_file():
        from maintsched.services.project import create

        create(demo, "pair", actor())
        say(f"no maintsched.yaml here: the demo's project is used, in {demo}")
    return demo / "maintsched.yaml"


def _directory() -> Path:
    given = click.get_current_context().obj["lab"]
    return Path(given).resolve() if given else _config().parent / "lab"


def _inventory() -> Inventory:
    from maintsched import config, platforms

    return config.load(_config(), platforms.names())


@lab.command()
@click.option("--name", default="lab", show_default=True, help="Two labs of different names can stand side by side.")
@click.option("--group", metavar="G", help="The redundancy group to build (default: the first that has routers).")
@click.option("--udp-reflector", is_flag=True, help="A UDP reflector on the service host.")
@json_option
def up(name: str, group: str | None, udp_reflector: bool, as_json: bool) -> None:
    """Build it, and wait until every session is Established."""
    from maintsched import lab as labs

    state = labs.up(_inventory(), _directory(), name=name, group=group, udp_reflector=udp_reflector, say=say)
    _show(state, as_json)


@lab.command()
@json_option
def status(as_json: bool) -> None:
    """Nodes, sessions and active faults."""
    from maintsched import lab as labs

    _show(labs.status(_directory()), as_json)


def _show(state: LabState, as_json: bool) -> None:
    if as_json:
        emit(state.document())
        return
    click.echo(f"lab {click.style(state.name, bold=True)}: {state.stage}, {state.layout}, group {state.group}")
    table(
        ["node", "role", "platform", "alive"],
        [[n.name, n.role, n.platform, "yes" if n.alive else "NO"] for n in state.nodes],
    )
    table(
        ["router", "neighbor", "circuit", "state"],
        [[s.router, s.neighbor, s.circuit or "", s.state] for s in state.sessions],
    )
    for fault in state.faults:
        click.echo(f"{click.style('fault', fg='yellow')}: {fault.fault} {fault.circuit or ''}")


@lab.command(name="break")
@click.argument("fault")
@click.argument("circuit", required=False)
def break_(fault: str, circuit: str | None) -> None:
    """Break something: session, circuit, forwarding, way-back, ignore-drain, icmp, far-side, service."""
    from maintsched import lab as labs

    labs.break_(_directory(), fault, circuit, say)


@lab.command()
@click.argument("fault", required=False)
@click.argument("circuit", required=False)
def heal(fault: str | None, circuit: str | None) -> None:
    """Heal FAULT, or everything."""
    from maintsched import lab as labs

    labs.heal(_directory(), fault, circuit, say)


@lab.command(name="exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--node", default="ops", show_default=True, help="ops, an edge router, pe-CIRCUIT, core or service.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(node: str, command: tuple[str, ...]) -> None:
    """Run COMMAND on a node of the lab: on ops, which reaches the routers and lies behind them."""
    from maintsched import lab as labs

    argv = labs.exec_argv(_directory(), node, command)
    os.environ.setdefault("MAINTSCHED_CONFIG", str(_config()))
    os.execvp(argv[0], argv)  # noqa: S606  # the command becomes this process: its exit code and signals are its own


@lab.command()
def down() -> None:
    """Take it down; nothing is left behind, also after a crash."""
    from maintsched import lab as labs

    labs.down(_directory(), say)
