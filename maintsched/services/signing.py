"""Signed approvals: an SSH signature proves the person, where a login alone would only claim it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from maintsched.errors import InvalidInput, Refused, Unavailable
from maintsched.services.project import Project

SIGNATURE_NAMESPACE = "maintsched"


def verify_signature(project: Project, text: str, signature: Path, *, printed_by: str) -> None:
    """An SSH signature (ssh-keygen -Y sign -n maintsched) over `text`, by the acting person's key.

    `printed_by`: what to sign comes from there. Raises Refused when the signature is not theirs, InvalidInput when
    there is nothing to check it against.
    """
    signers = project.inventory.policy.signers
    if signers is None:
        raise InvalidInput("the config names no allowed signers", "set `policy.signers` to an SSH allowed-signers file")
    for path in (Path(signers), signature):
        if not path.is_file():
            raise InvalidInput(f"there is no file {path}", "check `policy.signers` and --signature")
    command = ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", project.actor.name]
    command += ["-n", SIGNATURE_NAMESPACE, "-s", str(signature)]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=10, check=False)
    except FileNotFoundError as error:
        raise InvalidInput("ssh-keygen is not installed", "install openssh-client") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable("ssh-keygen did not answer in 10 s", "try again") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip() or "no reason given"
        raise Refused(
            f"{signature} is no signature of {project.actor.name} over this approval: {said}",
            f"sign what {printed_by} prints: ssh-keygen -Y sign -n {SIGNATURE_NAMESPACE} -f KEY",
        )
