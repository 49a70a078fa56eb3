//! The page of `netstat`: headings and rows in the columns of net-tools and of busybox.

use core::fmt::Write as _;
use core::net::IpAddr;

use crate::addr::Family;
use crate::filter::name;
use crate::packet::protocol as number;
use crate::userland::Flavour;
use crate::userland::sockets::{Row, State, Transport, anybody};

/// What a page shall show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) flavour: Flavour,
    /// Which sockets it shows, in words.
    pub(super) title: &'static str,
    pub(super) numeric: bool,
    pub(super) extended: bool,
    pub(super) programs: bool,
    /// Whether Unix sockets are on it.
    pub(super) unix: bool,
    /// Whether others are.
    pub(super) inet: bool,
}

impl Page {
    pub(super) fn text(&self, rows: &[Row]) -> String {
        let mut text = String::new();
        if self.inet {
            text += &format!("Active Internet connections {}\n{}\n", self.title, self.heading());
            rows.iter().for_each(|row| text += &self.row(row));
        }
        if self.unix {
            let gap = if self.flavour == Flavour::Host { "   " } else { " " };
            text += &format!("Active UNIX domain sockets {}\n", self.title);
            text += &format!("Proto RefCnt Flags       Type       State         I-Node{gap}Path\n");
        }
        text
    }

    fn heading(&self) -> String {
        let mut text = "Proto Recv-Q Send-Q Local Address           Foreign Address         ".to_owned();
        let _ = write!(text, "{:<1$}", "State", self.state_width());
        if self.is_extended() {
            text += " User       Inode     ";
        }
        if self.programs {
            text += " PID/Program name    ";
        }
        text
    }

    fn row(&self, row: &Row) -> String {
        let protocol = match (row.transport, row.family, self.flavour) {
            (Transport::Tcp, Family::V6, Flavour::Host) => "tcp6",
            (Transport::Tcp, ..) => "tcp",
            (Transport::Udp, Family::V6, Flavour::Host) => "udp6",
            (Transport::Udp, ..) => "udp",
        };
        // Linux counts what may wait at a listener only for `ss`.
        let unsent = if row.state == State::Listen { 0 } else { row.unsent };
        let number = match row.transport {
            Transport::Tcp => number::TCP,
            Transport::Udp => number::UDP,
        };
        let local = self.place(row.local.ip(), Some(row.local.port()), number);
        let peer = match row.peer {
            Some(peer) => self.place(peer.ip(), Some(peer.port()), number),
            None => self.place(anybody(row.family), None, number),
        };
        let (received, width) = (row.received, self.state_width());
        let mut text = format!("{protocol:<4}  {received:>6} {unsent:>6} {local:<23} {peer:<23} {:<width$}", word(row));
        if self.is_extended() {
            // A number that stands for the socket, as an inode does.
            let _ = write!(text, " {:<10} {:<10}", 0, row.socket.number());
        }
        if self.programs {
            let who = row.holder.as_ref().map_or_else(|| "-".to_owned(), |h| format!("{}/{}", h.pid, h.program));
            let _ = write!(text, " {who:<20}");
        }
        text + "\n"
    }

    /// Address and port. net-tools puts brackets around IPv6 unless all is to be numeric.
    fn place(&self, addr: IpAddr, port: Option<u16>, protocol: u8) -> String {
        let is_named = self.flavour == Flavour::Host && !self.numeric;
        let port = port.map_or_else(|| "*".to_owned(), |port| name::port(port, protocol, !is_named));
        match addr {
            IpAddr::V4(v4) if is_named && v4.is_loopback() => format!("localhost:{port}"),
            IpAddr::V6(v6) if is_named => format!("[{v6}]:{port}"),
            addr => format!("{addr}:{port}"),
        }
    }

    fn is_extended(&self) -> bool {
        self.extended && self.flavour == Flavour::Host
    }

    const fn state_width(&self) -> usize {
        match self.flavour {
            Flavour::Host => 11,
            Flavour::Busybox => 12,
        }
    }
}

const fn word(row: &Row) -> &'static str {
    match row.state {
        State::Established => "ESTABLISHED",
        State::SynSent => "SYN_SENT",
        State::SynReceived => "SYN_RECV",
        State::FinWait1 => "FIN_WAIT1",
        State::FinWait2 => "FIN_WAIT2",
        State::TimeWait => "TIME_WAIT",
        State::Closed => "",
        State::CloseWait => "CLOSE_WAIT",
        State::LastAck => "LAST_ACK",
        State::Listen => "LISTEN",
        State::Closing => "CLOSING",
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;

    use super::*;
    use crate::socket::SocketId;
    use crate::userland::sockets::Holder;

    const PAGE: Page = Page {
        flavour: Flavour::Host,
        title: "(only servers)",
        numeric: true,
        extended: false,
        programs: false,
        unix: false,
        inet: true,
    };

    fn row(local: &str, peer: Option<&str>) -> Row {
        let local: SocketAddr = local.parse().unwrap();
        Row {
            socket: SocketId(7),
            transport: Transport::Tcp,
            family: Family::of(local.ip()),
            dual: local.is_ipv6(),
            state: if peer.is_some() { State::TimeWait } else { State::Listen },
            received: 0,
            unsent: 4096,
            local,
            peer: peer.map(|peer| peer.parse().unwrap()),
            holder: Some(Holder { program: "docker-proxy".to_owned(), pid: 3591, fd: 4 }),
        }
    }

    #[test]
    fn net_tools_columns() {
        let rows = [row("0.0.0.0:5050", None), row("[::]:5050", None)];
        let recorded = "Active Internet connections (only servers)\n\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n\
tcp        0      0 0.0.0.0:5050            0.0.0.0:*               LISTEN      3591/docker-proxy   \n\
tcp6       0      0 :::5050                 :::*                    LISTEN      3591/docker-proxy   \n";
        assert_eq!(Page { programs: true, ..PAGE }.text(&rows), recorded);
        let names = Page { numeric: false, ..PAGE }.text(&rows[1..]);
        assert!(names.ends_with("tcp6       0      0 [::]:5050               [::]:*                  LISTEN     \n"));
    }

    #[test]
    fn busyboxs_columns() {
        let over = Row { unsent: 0, ..row("[::ffff:172.17.0.2]:80", Some("[::ffff:172.17.0.1]:48828")) };
        let page = Page { flavour: Flavour::Busybox, title: "(servers and established)", unix: true, ..PAGE };
        let recorded = "Active Internet connections (servers and established)\n\
Proto Recv-Q Send-Q Local Address           Foreign Address         State       \n\
tcp        0      0 :::80                   :::*                    LISTEN      \n\
tcp        0      0 ::ffff:172.17.0.2:80    ::ffff:172.17.0.1:48828 TIME_WAIT   \n\
Active UNIX domain sockets (servers and established)\n\
Proto RefCnt Flags       Type       State         I-Node Path\n";
        assert_eq!(page.text(&[row("[::]:80", None), over]), recorded);
    }
}
