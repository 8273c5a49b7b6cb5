"""BIRD 2 configuration of an edge router, equal in effect to its FRR twin (https://bird.network.cz/doc). Pure."""

from __future__ import annotations

import re

from maintsched.lab.frr import PREFERRED, PREPENDS, STANDBY
from maintsched.lab.layout import LAN_PORT, Access, Edge, Layout


def protocol(circuit: str) -> str:
    """The BGP protocol's name for a circuit; the prefix keeps clear of BIRD's reserved words (`primary` is one)."""
    return "bgp_" + re.sub(r"\W", "_", circuit)


def edge_config(layout: Layout, edge: Edge) -> str:
    """The whole bird.conf of an edge router."""
    accesses = [access for access in layout.accesses if access.edge == edge.name]
    parts = [_base(layout, edge)]
    parts += [_circuit(layout, access) for access in accesses]
    parts += [_other_edge(layout, edge, other) for other in layout.edges if other.name != edge.name]
    return "\n".join(parts)


def _base(layout: Layout, edge: Edge) -> str:
    rest = "".join(f" route {network} blackhole;" for network in layout.announced[1:])
    return f"""\
log "/var/log/bird/bird.log" {{ info, remote, warning, error, auth, fatal, bug }};
router id {edge.management};
define ANNOUNCED = [ {", ".join(layout.announced)} ];
define SERVICE = [ {", ".join(layout.services)} ];
protocol device {{ scan time 5; }}
protocol direct {{ ipv4; interface "{LAN_PORT}"; }}
protocol static announced {{ ipv4;{rest} }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol bfd {{
  interface "*" {{ min rx interval 300 ms; min tx interval 300 ms; idle tx interval 300 ms; multiplier 3; }};
}}
"""


def _circuit(layout: Layout, access: Access) -> str:
    name = protocol(access.circuit)
    prepends = "" if access.preferred else f" bgp_path.prepend({layout.local_as});" * PREPENDS
    return f"""\
filter in_{name} {{
  if net ~ SERVICE then {{ bgp_local_pref = {PREFERRED if access.preferred else STANDBY}; accept; }}
  reject;
}}
filter out_{name} {{
  if net ~ ANNOUNCED && source != RTS_BGP then {{{prepends} accept; }}
  reject;
}}
protocol bgp {name} {{
  description "{access.circuit}";
  local {access.address} as {layout.local_as};
  neighbor {access.neighbor} as {layout.peer_as};
  {_timers()}
  bfd {"on" if access.bfd else "off"};
  ipv4 {{ import filter in_{name}; export filter out_{name}; import keep filtered; }};
}}
"""


def _other_edge(layout: Layout, edge: Edge, other: Edge) -> str:
    return f"""\
protocol bgp i{protocol(other.name)} {{
  description "{other.name}";
  local {edge.interconnect} as {layout.local_as};
  neighbor {other.interconnect} as {layout.local_as};
  direct;
  {_timers()}
  ipv4 {{ import all; export where source = RTS_BGP; next hop self; add paths on; }};
}}
"""


def _timers() -> str:
    return "hold time 9; keepalive time 3; connect retry time 1; connect delay time 1; error wait time 1, 4;"
