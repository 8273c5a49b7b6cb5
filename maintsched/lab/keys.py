"""Keys of the lab: the login key, host keys with known_hosts, and the CA that signs the service's certificate.

They stay in the lab's directory when the lab goes down: the next `up` has the same identity, and a pin stays right.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from maintsched.domain.inventory import Router
from maintsched.errors import LabFailed, Refused

_CA_DAYS, _LEAF_DAYS = "3650", "365"


def login_key(router: Router, directory: Path, user_keys: Path) -> Path:
    """Write the router's authorized_keys; makes the login key where it is missing, and returns its path."""
    key = Path(router.key) if router.key else directory / "keys" / "login"
    public = key.with_name(key.name + ".pub")
    if not key.exists():
        if public.exists():
            raise Refused(
                f"router {router.name}: {public} exists without {key}", "restore the key, or remove its public half"
            )
        key.parent.mkdir(parents=True, exist_ok=True)
        _keygen(key, "maintsched lab")
        _give_to_owner(key.parent, key, public)
    user_keys.write_text(_public_half(router.name, key, public) + "\n", encoding="utf-8")
    user_keys.chmod(0o644)
    return key


def host_key(name: str, directory: Path) -> Path:
    """The host key of a router of the lab, made once."""
    key = directory / "keys" / f"host-{name}"
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.with_name(key.name + ".pub").unlink(missing_ok=True)
        _keygen(key, f"{name} of the lab")
    return key


def pin(routers: list[Router], directory: Path) -> None:
    """Write the routers' host keys into their known_hosts. Refused where that is the user's own and lacks them."""
    wanted: dict[Path, dict[str, str]] = {}
    for router in routers:
        if router.known_hosts:
            public = host_key(router.name, directory)
            kind, body = public.with_name(public.name + ".pub").read_text(encoding="utf-8").split()[:2]
            host = router.host if router.port == 22 else f"[{router.host}]:{router.port}"
            wanted.setdefault(Path(router.known_hosts), {})[host] = f"{host} {kind} {body}"
    for path, lines in wanted.items():
        _pin(path, lines, directory)


def _pin(path: Path, lines: dict[str, str], directory: Path) -> None:
    there = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if all(line in there for line in lines.values()):
        return
    if path.exists() and not path.resolve().is_relative_to(directory):
        raise Refused(
            f"{path} does not know the lab's host keys, and the lab never edits a known_hosts of yours",
            f"give the lab's routers a `known_hosts` in {directory}, or a file that does not exist yet",
        )
    kept = [line for line in there if line.split(" ", 1)[0] not in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in (*kept, *lines.values())), encoding="utf-8")
    _give_to_owner(path.parent, path)


def service_certificate(directory: Path, addresses: list[str]) -> tuple[Path, Path]:
    """The service's certificate and key, signed by the lab's CA, whose certificate is `ca.pem` in the directory."""
    keys, authority = directory / "keys", directory / "ca.pem"
    keys.mkdir(parents=True, exist_ok=True)
    ca_key, key, request, leaf = (keys / name for name in ("ca.key", "service.key", "service.csr", "service.pem"))
    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    if not (authority.exists() and ca_key.exists()):
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl(
            *new,
            "-x509",
            "-subj",
            "/CN=maintsched lab CA",
            "-days",
            _CA_DAYS,
            *usage,
            "-keyout",
            ca_key,
            "-out",
            authority,
        )
        authority.chmod(0o644)
    _openssl(*new, "-subj", "/CN=service of the maintsched lab", "-keyout", key, "-out", request)
    extensions = keys / "service.ext"
    names = ",".join(f"IP:{address}" for address in addresses)
    extensions.write_text(
        f"subjectAltName={names}\nbasicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
        encoding="utf-8",
    )
    signing = ("-CA", authority, "-CAkey", ca_key, "-set_serial", f"0x{os.urandom(15).hex()}", "-days", _LEAF_DAYS)
    _openssl("x509", "-req", "-in", request, *signing, "-extfile", extensions, "-out", leaf)
    return leaf, key


def _public_half(router: str, key: Path, public: Path) -> str:
    made = subprocess.run(
        ["ssh-keygen", "-y", "-P", "", "-f", str(key)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode == 0:
        return made.stdout.strip()
    if public.exists():
        return public.read_text(encoding="utf-8").strip()
    raise Refused(
        f"router {router}: the public half of {key} cannot be had: {made.stderr.strip().splitlines()[-1:]}",
        f"write it to {public}: ssh-keygen -y -f {key} > {public}",
    )


def _keygen(key: Path, comment: str) -> None:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(key)]
    made = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if made.returncode:
        raise LabFailed(f"no key could be made at {key}: {made.stderr.strip() or made.stdout.strip()}")


def _openssl(*words: str | Path) -> None:
    argv = ["openssl", *map(str, words)]
    made = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if made.returncode:
        raise LabFailed(f"`openssl {words[0]}` failed: {made.stderr.strip()}")


def _give_to_owner(parent: Path, *files: Path) -> None:
    """Under sudo, what lands in a user's directory shall belong to that user."""
    owner = parent.stat()
    for file in files:
        os.chown(file, owner.st_uid, owner.st_gid)
