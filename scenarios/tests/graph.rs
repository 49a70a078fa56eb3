//! `netyard graph`: what a scenario looks like, in each format.

use snapbox::str;

use crate::netyard;

#[test]
fn mermaid_for_markdown_pages() {
    let run = netyard("graph tests/fixtures/graph.md").assert();
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
flowchart TB
  n0["gateway"]
  n1(["lan0<br>bridge"])
  n2["www"]
  subgraph g1["docker01"]
    n3["docker01"]
    n4(["bridge<br>bridge 172.17.0.0/16"])
    n5(["isolated_nw<br>bridge 172.25.0.0/16"])
    n6("blue<br>namespace<br>dum0 10.2.0.1/32")
    n7("c1<br>busybox, running")
    n8("web<br>nginx, running")
    n9("gone<br>busybox, exited")
  end
  n0 ---|"lan0 192.0.2.1/24"| n1
  n1 ---|"eth0 192.0.2.80/24"| n2
  n1 ---|"eth0 192.0.2.10/24"| n3
  n3 -.-|"docker0 172.17.0.1/16"| n4
  n3 ---|"nw0 172.25.0.1/16"| n5
  n5 ---|"eth0 172.25.0.2/16"| n7
  n3 -.-|"to-blue 10.1.0.1/24 · eth0 10.1.0.2/24"| n6
  n8 ---|"namespace"| n3

"#]]);
}

#[test]
fn dot_for_graphviz() {
    let run = netyard("graph tests/fixtures/graph.md --format dot").assert();
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
graph netyard {
  node [shape=box]
  "machine/gateway" [label="gateway"]
  "machine/gateway/bridge/lan0" [label="lan0/nbridge" shape=ellipse]
  "machine/www" [label="www"]
  subgraph "cluster_docker01" {
    label="docker01"
    "docker01" [label="docker01"]
    "docker01/network/bridge" [label="bridge/nbridge 172.17.0.0/16" shape=ellipse]
    "docker01/network/isolated_nw" [label="isolated_nw/nbridge 172.25.0.0/16" shape=ellipse]
    "docker01/namespace/blue" [label="blue/nnamespace/ndum0 10.2.0.1/32"]
    "docker01/container/c1" [label="c1/nbusybox, running"]
    "docker01/container/web" [label="web/nnginx, running"]
    "docker01/container/gone" [label="gone/nbusybox, exited" style=dashed]
  }
  "machine/gateway" -- "machine/gateway/bridge/lan0" [taillabel="lan0 192.0.2.1/24"]
  "machine/gateway/bridge/lan0" -- "machine/www" [taillabel="www" headlabel="eth0 192.0.2.80/24"]
  "machine/gateway/bridge/lan0" -- "docker01" [taillabel="docker01" headlabel="eth0 192.0.2.10/24"]
  "docker01" -- "docker01/network/bridge" [taillabel="docker0 172.17.0.1/16" style=dashed]
  "docker01" -- "docker01/network/isolated_nw" [taillabel="nw0 172.25.0.1/16"]
  "docker01/network/isolated_nw" -- "docker01/container/c1" [taillabel="veth940cfa0" headlabel="eth0 172.25.0.2/16"]
  "docker01" -- "docker01/namespace/blue" [taillabel="to-blue 10.1.0.1/24" headlabel="eth0 10.1.0.2/24" style=dashed]
  "docker01/container/web" -- "docker01" [label="namespace"]
}

"#]]);
}

#[test]
fn json_for_programs() {
    let run = netyard("graph tests/fixtures/graph.md --format json --at 9").assert();
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
{
  "nodes": [
    {
      "id": "machine/gateway",
      "kind": "machine",
      "name": "gateway",
      "host": null
    },
    {
      "id": "machine/gateway/bridge/lan0",
      "kind": "bridge",
      "name": "lan0",
      "host": null
    },
    {
      "id": "machine/www",
      "kind": "machine",
      "name": "www",
      "host": null
    },
    {
      "id": "docker01",
      "kind": "host",
      "name": "docker01",
      "host": "docker01"
    },
    {
      "id": "docker01/network/bridge",
      "kind": "network",
      "name": "bridge",
      "host": "docker01",
      "driver": "bridge",
      "subnets": [
        "172.17.0.0/16"
      ],
      "internal": false,
      "device": "docker0"
    },
    {
      "id": "docker01/network/isolated_nw",
      "kind": "network",
      "name": "isolated_nw",
      "host": "docker01",
      "driver": "bridge",
      "subnets": [
        "172.25.0.0/16"
      ],
      "internal": false,
      "device": "nw0"
    },
    {
      "id": "docker01/container/c1",
      "kind": "container",
      "name": "c1",
      "host": "docker01",
      "image": "busybox",
      "state": "running"
    }
  ],
  "links": [
    {
      "kind": "bridge",
      "up": true,
      "ends": [
        {
          "node": "machine/gateway",
          "device": "lan0",
          "addresses": [
            "192.0.2.1/24"
          ]
        },
        {
          "node": "machine/gateway/bridge/lan0",
          "device": null,
          "addresses": []
        }
      ]
    },
    {
      "kind": "veth",
      "up": true,
      "ends": [
        {
          "node": "machine/gateway/bridge/lan0",
          "device": "www",
          "addresses": []
        },
        {
          "node": "machine/www",
          "device": "eth0",
          "addresses": [
            "192.0.2.80/24"
          ]
        }
      ]
    },
    {
      "kind": "veth",
      "up": true,
      "ends": [
        {
          "node": "machine/gateway/bridge/lan0",
          "device": "docker01",
          "addresses": []
        },
        {
          "node": "docker01",
          "device": "eth0",
          "addresses": [
            "192.0.2.10/24"
          ]
        }
      ]
    },
    {
      "kind": "bridge",
      "up": false,
      "ends": [
        {
          "node": "docker01",
          "device": "docker0",
          "addresses": [
            "172.17.0.1/16"
          ]
        },
        {
          "node": "docker01/network/bridge",
          "device": null,
          "addresses": []
        }
      ]
    },
    {
      "kind": "bridge",
      "up": true,
      "ends": [
        {
          "node": "docker01",
          "device": "nw0",
          "addresses": [
            "172.25.0.1/16"
          ]
        },
        {
          "node": "docker01/network/isolated_nw",
          "device": null,
          "addresses": []
        }
      ]
    },
    {
      "kind": "veth",
      "up": true,
      "ends": [
        {
          "node": "docker01/network/isolated_nw",
          "device": "veth940cfa0",
          "addresses": []
        },
        {
          "node": "docker01/container/c1",
          "device": "eth0",
          "addresses": [
            "172.25.0.2/16"
          ]
        }
      ]
    }
  ]
}

"#]]);
}

#[test]
fn svg_for_browsers() {
    let run = netyard("graph tests/fixtures/graph.md --format svg --at 9").assert();
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
<svg xmlns="http://www.w3.org/2000/svg" width="833" height="297" viewBox="0 0 833 297">
<style>text{font:12px monospace;fill:#222}.name{font-weight:bold}.bar{stroke:#2563eb;stroke-width:5}.line{stroke:#555;stroke-width:1.5}.down{stroke-dasharray:4 3}.dot{fill:#2563eb}.frame{fill:#f8fafc;stroke:#94a3b8}.box{fill:#fff;stroke:#475569}.host{fill:#dbeafe}.off{fill:#f1f5f9;stroke-dasharray:4 3}.label{paint-order:stroke;stroke:#fff;stroke-width:4px}</style>
<rect class="frame" x="299" y="70" width="514" height="207" rx="4"/>
<text class="name" x="307" y="85" text-anchor="start">docker01</text>
<line class="bar" x1="20" y1="54" x2="813" y2="54"/>
<line class="bar" x1="315" y1="119" x2="797" y2="119"/>
<line class="bar" x1="315" y1="153" x2="797" y2="153"/>
<line class="line" x1="88" y1="54" x2="88" y2="185"><title>bridge lan0</title></line>
<circle class="dot" cx="88" cy="54" r="4"/>
<line class="line" x1="211" y1="54" x2="211" y2="185"><title>veth www eth0</title></line>
<circle class="dot" cx="211" cy="54" r="4"/>
<line class="line" x1="370" y1="54" x2="370" y2="185"><title>veth docker01 eth0</title></line>
<circle class="dot" cx="370" cy="54" r="4"/>
<line class="line down" x1="481" y1="119" x2="481" y2="185"><title>bridge docker0</title></line>
<circle class="dot" cx="481" cy="119" r="4"/>
<line class="line" x1="592" y1="153" x2="592" y2="185"><title>bridge nw0</title></line>
<circle class="dot" cx="592" cy="153" r="4"/>
<line class="line" x1="719" y1="153" x2="719" y2="185"><title>veth veth940cfa0 eth0</title></line>
<circle class="dot" cx="719" cy="153" r="4"/>
<text class="label" x="20" y="48" text-anchor="start">lan0 bridge</text>
<text class="label" x="315" y="113" text-anchor="start">bridge bridge 172.17.0.0/16</text>
<text class="label" x="315" y="147" text-anchor="start">isolated_nw bridge 172.25.0.0/16</text>
<rect class="box" x="36" y="185" width="104" height="61" rx="4"/>
<text x="88" y="200" text-anchor="middle">lan0</text>
<text x="88" y="215" text-anchor="middle">192.0.2.1/24</text>
<text class="name" x="44" y="234" text-anchor="start">gateway</text>
<rect class="box" x="156" y="185" width="111" height="61" rx="4"/>
<text x="211" y="200" text-anchor="middle">eth0</text>
<text x="211" y="215" text-anchor="middle">192.0.2.80/24</text>
<text class="name" x="164" y="234" text-anchor="start">www</text>
<rect class="box host" x="315" y="185" width="333" height="61" rx="4"/>
<text x="370" y="200" text-anchor="middle">eth0</text>
<text x="370" y="215" text-anchor="middle">192.0.2.10/24</text>
<text x="481" y="200" text-anchor="middle">docker0</text>
<text x="481" y="215" text-anchor="middle">172.17.0.1/16</text>
<text x="592" y="200" text-anchor="middle">nw0</text>
<text x="592" y="215" text-anchor="middle">172.25.0.1/16</text>
<text class="name" x="323" y="234" text-anchor="start">docker01</text>
<rect class="box" x="664" y="185" width="133" height="76" rx="4"/>
<text x="719" y="200" text-anchor="middle">eth0</text>
<text x="719" y="215" text-anchor="middle">172.25.0.2/16</text>
<text class="name" x="672" y="234" text-anchor="start">c1</text>
<text x="672" y="249" text-anchor="start">busybox, running</text>
</svg>

"#]]);
}

#[test]
fn networks_without_bridges_and_across_hosts_are_shown_by_who_is_on_them() {
    let run = netyard("graph walkthroughs/macvlan.md").assert();
    run.code(0).stderr_eq("").stdout_eq(str![[r#"
flowchart TB
  n0["gateway"]
  n1(["lan0<br>bridge"])
  n2["www"]
  subgraph g1["docker01"]
    n3["docker01<br>mac0 192.0.2.200/32"]
    n4(["bridge<br>bridge 172.17.0.0/16"])
    n5(["lan<br>macvlan 192.0.2.0/24"])
    n6("mv1<br>busybox, running")
    n7("mv2<br>nginx, running")
  end
  subgraph g2["docker02"]
    n8["docker02"]
    n9(["bridge<br>bridge 172.17.0.0/16"])
    n10(["lan<br>macvlan 192.0.2.0/24"])
    n11("mv3<br>busybox, running")
  end
  n3 ---|"eth0 192.0.2.10/24 · macvlan"| n5
  n8 ---|"eth0 192.0.2.11/24 · macvlan"| n10
  n0 ---|"lan0 192.0.2.1/24"| n1
  n1 ---|"eth0 192.0.2.80/24"| n2
  n1 ---|"eth0 192.0.2.10/24"| n3
  n1 ---|"eth0 192.0.2.11/24"| n8
  n3 -.-|"docker0 172.17.0.1/16"| n4
  n8 -.-|"docker0 172.17.0.1/16"| n9
  n6 ---|"eth0 192.0.2.128/24 · macvlan bridge"| n5
  n7 ---|"eth0 192.0.2.129/24 · macvlan bridge"| n5
  n11 ---|"eth0 192.0.2.144/24 · macvlan bridge"| n10

"#]]);
}

#[test]
fn a_scenario_can_ask_too() {
    netyard("test tests/fixtures/graph-asked.md").assert().code(0).stderr_eq("");
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let run = netyard("graph tests/fixtures/nowhere.md").assert();
    run.code(2).stdout_eq("").stderr_eq(str![[r#"
error: tests/fixtures/nowhere.md: cannot read the file: No such file or directory (os error 2)

"#]]);
    let run = netyard("graph --socket /nowhere/docker.sock").assert();
    run.code(2).stdout_eq("").stderr_eq(str![[r#"
error: no engine answers at /nowhere/docker.sock: No such file or directory (os error 2)
Start one with: netyard up

"#]]);
    let run = netyard("graph tests/fixtures/wrong/no-such-place.md").assert();
    run.code(2).stdout_eq("").stderr_eq(str![[r#"
error: no such place: c9
 --> tests/fixtures/wrong/no-such-place.md:3:1
  |
3 | c9$ true
  | ^^ no host, running container or namespace of this name at this step

"#]]);
}
