"""A web server and a mail server of Debian, on free ports of the loopback; they end with the tests."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .authorities import Authority

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NGINX = shutil.which("nginx", path=PATH)
DOVECOT = shutil.which("dovecot", path=PATH)
OWNER = "nobody" if os.geteuid() == 0 else getpass.getuser()  # Dovecot serves no mail of root


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(argv: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 20
        while not _listens(port):
            assert process.poll() is None, f"{argv[0]} did not start: {log.read_text()}"
            assert time.monotonic() < deadline, f"{argv[0]} does not listen: {log.read_text()}"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Web:
    """A running nginx; what lies in `root` is served. `asked` are the requests it noted, the newest last."""

    root: Path
    port: int
    other: int

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.port}{path}"

    def asked(self) -> list[str]:
        return (self.root.parent / "access.log").read_text().splitlines()


@contextmanager
def web(folder: Path, authority: Authority) -> Iterator[Web]:
    """`/get/…` are files as they are; the other places behave as their names say."""
    root = folder / "root"
    root.mkdir()
    port, other = free_port(), free_port()
    (folder / "logins").write_text("noc:{PLAIN}päss wörd\n")
    (folder / "nginx.conf").write_text(
        f"""
daemon off;
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
  log_format asked '$status $request_uri auth="$http_authorization" host="$http_host"'
    ' since="$http_if_modified_since" etag="$http_if_none_match"';
  access_log {folder}/access.log asked;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  default_type text/calendar;
  ssl_certificate {authority.certificate};
  ssl_certificate_key {authority.key};
  root {root};
  server {{
    listen 127.0.0.1:{port} ssl;
    listen [::1]:{port} ssl;
    listen 127.0.0.1:{other} ssl;
    location /get/ {{ alias {root}/; }}
    location /gzip/ {{ alias {root}/; gzip on; gzip_types *; gzip_min_length 1; }}
    location /packed/ {{ alias {root}/; add_header Content-Encoding gzip; }}
    location /brotli/ {{ alias {root}/; add_header Content-Encoding br; }}
    location /login/ {{ alias {root}/; auth_basic closed; auth_basic_user_file {folder}/logins; }}
    location /slow/ {{ alias {root}/; limit_rate 64; }}
    location = /moved {{ return 302 /get/one.ics; }}
    location = /moved-in-full {{ return 301 https://$http_host/get/one.ics; }}
    location = /moved-to-login {{ return 302 /login/one.ics; }}
    location = /moved-away {{ return 302 https://localhost:{port}/get/one.ics?key=hidden; }}
    location = /moved-to-a-port {{ return 302 https://127.0.0.1:{other}/get/one.ics; }}
    location = /moved-to-plain {{ return 302 http://127.0.0.1:{port}/get/one.ics; }}
    location = /moved-in-circles {{ return 302 /moved-in-circles; }}
    location = /broken {{ return 500 "calendar"; }}
    location = /accepted {{ return 202 "calendar"; }}
    location = /unasked {{ return 304; }}
    location = /blank {{ return 200 "\\n \\n"; }}
  }}
}}
"""
    )
    argv = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with _running(argv, port, folder / "nginx.log"):
        yield Web(root, port, other)


@dataclass(frozen=True)
class Mailboxes:
    """A running Dovecot. Every user of it has the password `secret`."""

    folder: Path
    port: int

    def url(self, folder: str = "", host: str = "127.0.0.1") -> str:
        return f"imaps://{host}:{self.port}/{folder}"

    def maildir(self, user: str) -> Path:
        """A user's Maildir, where files can be laid without the server."""
        path = self.folder / "mail" / user / "Maildir"
        for each in (path.parent, path, *(path / name for name in ("new", "cur", "tmp"))):
            if not each.exists():
                each.mkdir(mode=0o700)
                self.give(each)
        return path

    def give(self, path: Path) -> None:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(path, owner.pw_uid, owner.pw_gid)


@contextmanager
def mailboxes(folder: Path, authority: Authority, extra: str = "") -> Iterator[Mailboxes]:
    """As root the server's parts run as its own users; otherwise all run as ours, without a chroot."""
    port = free_port()
    owner = pwd.getpwnam(OWNER)
    (folder / "mail").mkdir()
    for each in (folder, folder / "mail"):
        each.chmod(0o755)
    group = grp.getgrgid(owner.pw_gid).gr_name
    as_us = f"default_internal_user = {OWNER}\ndefault_login_user = {OWNER}\ndefault_internal_group = {group}\n"
    ours = "" if os.geteuid() == 0 else as_us
    (folder / "dovecot.conf").write_text(
        f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/mail.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{authority.certificate}
ssl_key = <{authority.key}
{ours}
mail_location = maildir:~/Maildir
auth_failure_delay = 0
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # otherwise whoever comes after a wrong password from this address waits
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{extra}
"""
    )
    with _running([str(DOVECOT), "-F", "-c", str(folder / "dovecot.conf")], port, folder / "dovecot.log"):
        found = Mailboxes(folder, port)
        found.give(folder / "mail")
        yield found
