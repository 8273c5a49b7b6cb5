"""The files of each node: a router's accounts, sshd and daemons, and the script that boots it in its namespaces."""

from __future__ import annotations

import grp
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from maintsched.lab import bird, frr, wiring
from maintsched.lab.layout import CORE, HTTPS_PORT, OPS, REFLECTOR_PORT, SERVICE, Edge, Layout

# A router sees its own /run, /etc/frr and homes, so a plain vtysh and birdc find its own daemons. `-c` keeps mount from
# resolving `.`: the node's directory may lie below one of the directories that are covered here.
_PRIVATE = """\
set -eu
cover() { if [ -d "$2" ]; then mount -t tmpfs -o "mode=$1" lab "$2"; fi; }
cd "$1"
cover 755 /run
mkdir -p /run/node /run/frr /run/bird /run/lock
mkdir -p -m 755 /run/sshd
mount -c --bind . /run/node
cover 1777 /tmp
cover 1777 /var/tmp
cover 755 /home
cover 755 /var/log
cover 755 /var/lib/frr
cover 755 /etc/frr
cover 755 /etc/bird
cover 755 /var/spool
for file in passwd group shadow; do
  if [ -e "/run/node/$file" ]; then mount --bind "/run/node/$file" "/etc/$file"; fi
done
echo {name} > /proc/sys/kernel/hostname
mkdir -p /var/log/frr /var/log/bird
"""
_FRR = """\
install -d -o frr -g frr -m 755 /run/frr /var/log/frr
if [ -d /var/lib/frr ]; then chown frr:frr /var/lib/frr; fi
chown frr:frr /etc/frr
install -o frr -g frr -m 640 /run/node/frr.conf /etc/frr/frr.conf
echo 'service integrated-vtysh-config' > /etc/frr/vtysh.conf
chown frr:frrvty /etc/frr/vtysh.conf
chmod 640 /etc/frr/vtysh.conf
"""
# mgmtd exists since FRR 9, and the others connect to it and to zebra
FRR_START = """\
set -eu
for daemon in mgmtd zebra bgpd bfdd; do
  if [ -x "/usr/lib/frr/$daemon" ]; then "/usr/lib/frr/$daemon" -d -A 127.0.0.1; fi
done
vtysh -b >/var/log/frr/boot.log 2>&1
"""
FRR_KILL = """\
for daemon in bgpd bfdd mgmtd zebra; do
  if [ -e "/run/frr/$daemon.pid" ]; then kill -9 "$(cat "/run/frr/$daemon.pid")" || true; fi
done
rm -f /run/frr/*.pid /run/frr/*.vty
"""
_BIRD = """\
install -d -o bird -g bird -m 755 /run/bird /var/log/bird
install -o bird -g bird -m 640 /run/node/bird.conf /etc/bird/bird.conf
chown bird:bird /etc/bird
bird -u bird -g bird
"""
_SSHD = """\
install -d -o {user} -g {user} -m 755 {home}
/usr/sbin/sshd -f /run/node/sshd_config -E /run/node/sshd.log
"""
_UID = 64210  # outside what adduser hands out (1000-59999) and of the system's reserved ranges


def write_node(layout: Layout, node: str, directory: Path, *, reflector: bool) -> None:
    """Write the files and the boot script of a node into `directory`/nodes/`node`."""
    home = directory / "nodes" / node
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    (home / "ip.batch").write_text(wiring.address_batch(layout, node), encoding="utf-8")
    edge = next((each for each in layout.edges if each.name == node), None)
    if node == OPS:
        script = f"set -eu\nip -batch {shlex.quote(str(home / 'ip.batch'))}\n"
    elif node == SERVICE:
        script = _service_script(layout, home, directory, reflector=reflector)
    else:
        script = _router_script(layout, node, edge, home)
    (home / "boot.sh").write_text(script, encoding="utf-8")


def _router_script(layout: Layout, node: str, edge: Edge | None, home: Path) -> str:
    script = _PRIVATE.replace("{name}", node) + "ip -batch /run/node/ip.batch\n"
    if edge and edge.platform == "bird":
        (home / "bird.conf").write_text(bird.edge_config(layout, edge), encoding="utf-8")
        script += _BIRD
    else:
        if edge:
            config = frr.edge_config(layout, edge)
        elif node == CORE:
            config = frr.core_config(layout)
        else:
            config = frr.provider_config(layout, next(each for each in layout.accesses if each.provider == node))
        (home / "frr.conf").write_text(config, encoding="utf-8")
        (home / "routing.sh").write_text(FRR_START, encoding="utf-8")
        script += _FRR + "sh /run/node/routing.sh\n"
    if edge:
        _accounts(edge.user, home)
        (home / "sshd_config").write_text(_sshd_config(edge), encoding="utf-8")
        script += _SSHD.format(user=edge.user, home="/root" if edge.user == "root" else f"/home/{edge.user}")
    return script


def https_script(layout: Layout, directory: Path) -> str:
    """Start the HTTPS service of the service host; its process id goes to https.pid."""
    keys = directory / "keys"
    words = ("https", layout.service_address, str(HTTPS_PORT), str(keys / "service.pem"), str(keys / "service.key"))
    return _background(words, directory / "nodes" / SERVICE, "https")


def _service_script(layout: Layout, home: Path, directory: Path, *, reflector: bool) -> str:
    script = f"set -eu\necho {SERVICE} > /proc/sys/kernel/hostname\nip -batch {shlex.quote(str(home / 'ip.batch'))}\n"
    script += https_script(layout, directory)
    if reflector:
        script += _background(("udp", layout.service_address, str(REFLECTOR_PORT)), home, "udp")
    return script


def _background(words: tuple[str, ...], home: Path, role: str) -> str:
    argv = shlex.join([sys.executable, "-m", "maintsched.lab.service", *words])
    log, pid = shlex.quote(str(home / f"{role}.log")), shlex.quote(str(home / f"{role}.pid"))
    package = shlex.quote(str(Path(__file__).resolve().parents[2]))
    return f"cd {package}\nsetsid {argv} </dev/null >{log} 2>&1 &\necho $! > {pid}\n"


def _accounts(user: str, home: Path) -> None:
    """The host's accounts, plus the login user in the groups that vtysh and birdc want; no password hashes."""
    accounts = _lines("/etc/passwd", but=user)
    if user != "root":
        accounts.append(f"{user}:x:{_UID}:{_UID}:login of the lab:/home/{user}:/bin/bash")
    groups = []
    for line in _lines("/etc/group", but=user):
        parts = line.split(":")
        if parts[0] in ("frrvty", "frr", "bird") and user not in parts[3].split(","):
            parts[3] = ",".join(filter(None, (parts[3], user)))
        groups.append(":".join(parts))
    if user != "root":
        groups.append(f"{user}:x:{_UID}:")
    shadow = [f"{line.split(':', 1)[0]}:*:19000:0:99999:7:::" for line in accounts]
    for name, lines, mode in (("passwd", accounts, 0o644), ("group", groups, 0o644), ("shadow", shadow, 0o640)):
        path = home / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        path.chmod(mode)
    # vtysh asks PAM about the account, and PAM's helper reads shadow as this group
    os.chown(home / "shadow", 0, grp.getgrnam("shadow").gr_gid)


def _lines(path: str, *, but: str) -> list[str]:
    """The lines of an account file without those of a user; root stays as it is."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if but == "root" or not line.startswith(f"{but}:")]


def _sshd_config(edge: Edge) -> str:
    """sshd wants absolute paths, because it re-executes itself; PATH is for birdc, which lies in /usr/sbin."""
    lines = [
        f"ListenAddress {edge.management}",
        f"Port {edge.port}",
        "HostKey /run/node/ssh_host_ed25519_key",
        "AuthorizedKeysFile /run/node/authorized_keys",
        "PidFile /run/node/sshd.pid",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        f"AllowUsers {edge.user}",
        "SetEnv PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "UseDNS no",
        "PrintMotd no",
        "PrintLastLog no",
        "X11Forwarding no",
        "MaxSessions 200",
        "MaxStartups 200:30:400",
        "LoginGraceTime 30",
    ]
    if _openssh_version() >= (9, 8):
        lines.append("PerSourcePenalties no")
    return "\n".join(lines) + "\n"


def _openssh_version() -> tuple[int, int]:
    said = subprocess.run(["ssh", "-V"], capture_output=True, check=False)
    found = re.search(rb"OpenSSH_(\d+)\.(\d+)", said.stderr + said.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
