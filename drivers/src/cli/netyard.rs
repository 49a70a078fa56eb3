//! `netyard` on a host of the simulation: what somebody asks the simulator itself, from the inside. It asks at a socket
//! that no real machine has.

use netyard_sim::userland::{CallId, Flavour, Program, Programs, Request, Step, Sys};

/// The socket of the simulator.
pub const SOCKET: &str = "/run/netyard.sock";

/// How `netyard why` is used.
pub const WHY_USAGE: &str = "usage: netyard why FROM TO [tcp/PORT|udp/PORT|icmp|name] [--size BYTES]\n";
/// How the others are used.
pub const USAGE: &str = "       netyard impair set|show|report|reset|presets ...\n       netyard drops [PLACE]...\n       netyard graph [mermaid|dot|json|svg]\n       netyard fault ...\n       netyard plugin NAME FILE\n";

/// Puts it on the path of hosts.
pub fn add(programs: &mut Programs) {
    programs.add(Flavour::Host, "netyard", || Box::new(Netyard::default()));
}

#[derive(Clone, Default)]
struct Netyard {
    call: Option<CallId>,
}

impl Program for Netyard {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(call) = self.call else {
            let target = sys.argv()[1..].join("\n");
            self.call = Some(sys.call(SOCKET, Request { method: "GET", target, ..Request::default() }));
            return Step::Wait(None);
        };
        let news = sys.poll_call(call);
        let code = i32::from(news.status.unwrap_or_default());
        sys.write(if code == 2 { 2 } else { 1 }, &news.body);
        if news.done { Step::Exit(code) } else { Step::Wait(None) }
    }
}
