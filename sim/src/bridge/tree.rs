//! The spanning tree of bridges (IEEE 802.1D-1998 §8), as Linux keeps it: which ports forward, so that there is one way
//! between any two of them. It says what is to be sent and when it wants to be asked again; it sends nothing.
//!
//! Off, every port that runs forwards at once. On, a port that may forward first listens and then learns, each for the
//! forward delay, unless that is nought.

use std::collections::BTreeMap;

use super::bpdu::{Bpdu, BridgeId, Configuration};
use crate::addr::Mac;
use crate::id::IfIndex;
use crate::time::{Duration, Instant, nanos};

/// Two messages at a port are this far apart at least.
const HOLD: Duration = Duration::from_secs(1);
/// By how much a message is older at each bridge, at least.
const AGE_STEP: Duration = Duration::from_millis(4);

/// What a port does with frames.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum State {
    /// It, or the bridge, is down.
    Disabled,
    /// It hears BPDUs and nothing else: another way is better.
    Blocking,
    /// It may forward, and waits whether somebody objects.
    Listening,
    /// It learns addresses already.
    Learning,
    /// It forwards.
    Forwarding,
}

impl State {
    /// As `bridge link` and `brctl showstp` print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Blocking => "blocking",
            Self::Listening => "listening",
            Self::Learning => "learning",
            Self::Forwarding => "forwarding",
        }
    }

    /// The number that the kernel has for it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Disabled => 0,
            Self::Listening => 1,
            Self::Learning => 2,
            Self::Forwarding => 3,
            Self::Blocking => 4,
        }
    }
}

/// The times of a tree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Times {
    /// When what was said is too old.
    pub max_age: Duration,
    /// How often the root speaks.
    pub hello: Duration,
    /// How long a port listens, and how long it learns.
    pub forward_delay: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(20), hello: Duration::from_secs(2), forward_delay: Duration::from_secs(15) }
    }
}

/// What the tree knows of a port.
#[derive(Clone, Copy, Debug)]
pub struct Port {
    /// What it does with frames.
    pub state: State,
    /// Its number, from 1.
    pub number: u16,
    /// Its priority: the lower, the better.
    pub priority: u8,
    /// What a way through it costs.
    pub cost: u32,
    /// Whether it may lead to the root.
    pub may_lead: bool,
    /// The number that it goes by: priority and number, as they were when it last went up.
    pub id: u16,
    /// Whether its link runs.
    pub works: bool,
    /// The root, as the best bridge on its link knows it.
    pub root: BridgeId,
    /// What the way from there costs.
    pub designated_cost: u32,
    /// That bridge.
    pub bridge: BridgeId,
    /// That bridge's port.
    pub designated_port: u16,
    /// When what was said there was true.
    said: Instant,
    /// Whether the next that it says acknowledges a notice.
    pub acknowledges: bool,
    /// Whether it has something to say that waits for the hold timer.
    pub pending: bool,
    /// When what was said is too old.
    pub message_age: Option<Instant>,
    /// When it goes on to the next state.
    pub forward_delay: Option<Instant>,
    /// Until when it says nothing more.
    pub hold: Option<Instant>,
}

/// A bridge's part of the tree.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Whether it speaks with others; else every port forwards.
    on: bool,
    /// Whether the bridge is up.
    running: bool,
    id: BridgeId,
    /// The times that it would set as the root.
    own: Times,
    /// The times that the root set.
    times: Times,
    root: BridgeId,
    root_cost: u32,
    root_port: Option<IfIndex>,
    topology_change: bool,
    change_detected: bool,
    hello: Option<Instant>,
    notice: Option<Instant>,
    change: Option<Instant>,
    ports: BTreeMap<IfIndex, Port>,
    sent: Vec<(IfIndex, Bpdu)>,
}

impl Default for Tree {
    fn default() -> Self {
        let id = BridgeId { priority: 0x8000, mac: Mac::ZERO };
        Self {
            on: false,
            running: false,
            id,
            own: Times::default(),
            times: Times::default(),
            root: id,
            root_cost: 0,
            root_port: None,
            topology_change: false,
            change_detected: false,
            hello: None,
            notice: None,
            change: None,
            ports: BTreeMap::new(),
            sent: Vec::new(),
        }
    }
}

impl Tree {
    // What it is.

    /// Whether it speaks with others.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// This bridge.
    #[must_use]
    pub const fn id(&self) -> BridgeId {
        self.id
    }

    /// The root.
    #[must_use]
    pub const fn root(&self) -> BridgeId {
        self.root
    }

    /// What the way to the root costs.
    #[must_use]
    pub const fn root_cost(&self) -> u32 {
        self.root_cost
    }

    /// The number of the port towards the root; 0 at the root itself.
    #[must_use]
    pub fn root_port(&self) -> u16 {
        self.root_port.and_then(|port| self.ports.get(&port)).map_or(0, |port| port.number)
    }

    /// The times that it would set, and those that the root set.
    #[must_use]
    pub const fn times(&self) -> (Times, Times) {
        (self.own, self.times)
    }

    /// Whether the tree is changing, and whether this bridge saw it.
    #[must_use]
    pub const fn changes(&self) -> (bool, bool) {
        (self.topology_change, self.change_detected)
    }

    /// When it speaks next, when it reports next, and when the change is over.
    #[must_use]
    pub const fn timers(&self) -> [Option<Instant>; 3] {
        [self.hello, self.notice, self.change]
    }

    /// What it knows of a port.
    #[must_use]
    pub fn port(&self, port: IfIndex) -> Option<&Port> {
        self.ports.get(&port)
    }

    /// What a port does with frames.
    #[must_use]
    pub fn state(&self, port: IfIndex) -> State {
        self.ports.get(&port).map_or(State::Disabled, |port| port.state)
    }

    /// Whether every port does what it would without a tree.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        !self.on && self.ports.values().all(|port| matches!(port.state, State::Disabled | State::Forwarding))
    }

    fn is_root(&self) -> bool {
        self.root == self.id
    }

    fn is_designated(&self, port: &Port) -> bool {
        port.bridge == self.id && port.designated_port == port.id
    }

    /// What is to be sent by which port.
    pub fn take_sent(&mut self) -> Vec<(IfIndex, Bpdu)> {
        core::mem::take(&mut self.sent)
    }

    /// When it wants to be asked again.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        let of_ports = self.ports.values().flat_map(|p| [p.message_age, p.forward_delay, p.hold]);
        self.timers().into_iter().chain(of_ports).flatten().min()
    }

    // What happens to it.

    /// A port joins, disabled.
    pub fn add_port(&mut self, port: IfIndex, now: Instant) {
        let free = |number: &u16| !self.ports.values().any(|p| p.number == *number);
        let number = (1..1024).find(free).unwrap_or(1023);
        let mut new = Port {
            state: State::Disabled,
            number,
            priority: 32,
            cost: 2,
            may_lead: true,
            id: port_id(32, number),
            works: false,
            root: self.root,
            designated_cost: self.root_cost,
            bridge: self.id,
            designated_port: 0,
            said: now,
            acknowledges: false,
            pending: false,
            message_age: None,
            forward_delay: None,
            hold: None,
        };
        new.designated_port = new.id;
        self.ports.insert(port, new);
    }

    /// A port leaves.
    pub fn remove_port(&mut self, port: IfIndex, now: Instant) {
        self.disable(port, now);
        self.ports.remove(&port);
    }

    /// The bridge goes up or down; its ports follow by themselves.
    pub fn set_running(&mut self, running: bool, now: Instant) {
        if self.running == running {
            return;
        }
        self.running = running;
        if running {
            self.hello = self.on.then(|| now + self.times.hello);
            self.generate(now);
        } else {
            (self.topology_change, self.change_detected) = (false, false);
            (self.hello, self.notice, self.change) = (None, None, None);
        }
    }

    /// Whether a port's link runs, to be noted.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn works_mut(&mut self, port: IfIndex) -> &mut bool {
        &mut self.ports.get_mut(&port).expect("the bridge has this port").works
    }

    /// A port begins to work.
    pub fn enable(&mut self, port: IfIndex, now: Instant) {
        let Some(new) = self.ports.get_mut(&port).filter(|p| p.state == State::Disabled) else { return };
        new.id = port_id(new.priority, new.number);
        (new.state, new.acknowledges, new.pending) = (State::Blocking, false, false);
        self.designate(port);
        self.select_states(now);
    }

    /// A port ceases to work.
    pub fn disable(&mut self, port: IfIndex, now: Instant) {
        if self.state(port) == State::Disabled {
            return;
        }
        let was_root = self.is_root();
        self.designate(port);
        if let Some(gone) = self.ports.get_mut(&port) {
            (gone.state, gone.acknowledges, gone.pending) = (State::Disabled, false, false);
            (gone.message_age, gone.forward_delay, gone.hold) = (None, None, None);
        }
        self.update(now, was_root);
    }

    /// Begins or ceases to speak with others.
    pub fn set_on(&mut self, on: bool, now: Instant) {
        if self.on == on {
            return;
        }
        self.on = on;
        self.hello = (on && self.running).then(|| now + self.times.hello);
        self.select_states(now);
    }

    /// The bridge has another address.
    pub fn set_mac(&mut self, mac: Mac, now: Instant) {
        let (old, was_root) = (self.id.mac, self.is_root());
        if old == mac {
            return;
        }
        let of_ports = self.ports.values_mut().flat_map(|port| [&mut port.root, &mut port.bridge]);
        for id in of_ports.chain([&mut self.root]).filter(|id| id.mac == old) {
            id.mac = mac;
        }
        self.id.mac = mac;
        self.update(now, was_root);
    }

    /// The bridge has another priority.
    pub fn set_priority(&mut self, priority: u16, now: Instant) {
        let (old, was_root) = (self.id, self.is_root());
        self.id.priority = priority;
        for port in self.ports.values_mut().filter(|port| port.state != State::Disabled) {
            if port.bridge == old && port.designated_port == port.id {
                port.bridge = self.id;
            }
        }
        self.update(now, was_root);
    }

    /// Other times, which count while it is the root.
    pub fn set_times(&mut self, times: Times) {
        self.own = times;
        if self.is_root() {
            self.times = times;
        }
    }

    /// Whether a port may lead to the root.
    pub fn set_may_lead(&mut self, port: IfIndex, may_lead: bool, now: Instant) {
        if let Some(port) = self.ports.get_mut(&port) {
            port.may_lead = may_lead;
            self.update(now, self.is_root());
        }
    }

    /// Puts a port into the state of this number, as a tree kept elsewhere would.
    ///
    /// # Errors
    /// When there is no such state.
    pub fn set_state(&mut self, port: IfIndex, number: u64) -> Result<(), super::setting::OutOfRange> {
        let all = [State::Disabled, State::Listening, State::Learning, State::Forwarding, State::Blocking];
        let state = usize::try_from(number).ok().and_then(|number| all.get(number));
        let state = *state.ok_or(super::setting::OutOfRange)?;
        if let Some(port) = self.ports.get_mut(&port) {
            port.state = state;
        }
        Ok(())
    }

    /// Another cost of a port.
    pub fn set_cost(&mut self, port: IfIndex, cost: u32, now: Instant) {
        if let Some(port) = self.ports.get_mut(&port) {
            port.cost = cost;
            self.update(now, self.is_root());
        }
    }

    /// Another priority of a port.
    pub fn set_port_priority(&mut self, port: IfIndex, priority: u8, now: Instant) {
        let Some(changed) = self.ports.get(&port).copied() else { return };
        let (id, is_designated) = (port_id(priority, changed.number), self.is_designated(&changed));
        let port = self.ports.get_mut(&port).expect("it was just looked at");
        (port.priority, port.id) = (priority, id);
        if is_designated {
            port.designated_port = id;
            self.select_states(now);
        }
    }

    /// A BPDU came in by a port.
    pub fn receive(&mut self, now: Instant, port: IfIndex, bpdu: &Bpdu) {
        if !self.on || self.state(port) == State::Disabled {
            return;
        }
        match bpdu {
            Bpdu::Configuration(said) => self.hear(now, port, said),
            Bpdu::TopologyChange => {
                if self.ports.get(&port).is_some_and(|p| self.is_designated(p)) {
                    self.detect_change(now);
                    self.ports.get_mut(&port).expect("it was just looked at").acknowledges = true;
                    self.speak(now, port);
                }
            }
        }
    }

    fn hear(&mut self, now: Instant, index: IfIndex, said: &Configuration) {
        let (was_root, port) = (self.is_root(), self.ports[&index]);
        if !self.supersedes(&port, said) {
            if self.is_designated(&port) {
                self.speak(now, index);
            }
            return;
        }
        self.record(now, index, said);
        self.update(now, was_root);
        if was_root && !self.is_root() {
            self.hello = None;
            if self.change_detected {
                self.change = None;
                self.report(now);
            }
        }
        if self.root_port == Some(index) {
            self.times = Times { max_age: said.max_age, hello: said.hello_time, forward_delay: said.forward_delay };
            self.topology_change = said.topology_change;
            self.generate(now);
            if said.acknowledged {
                (self.change_detected, self.notice) = (false, None);
            }
        }
    }

    /// Lets happen what is due.
    pub fn poll(&mut self, now: Instant) {
        let is_due = |timer: &mut Option<Instant>| timer.take_if(|at| *at <= now).is_some();
        if is_due(&mut self.hello) && self.running {
            self.generate(now);
            self.hello = self.on.then(|| now + self.times.hello);
        }
        if is_due(&mut self.notice) && !self.is_root() && self.running {
            self.report(now);
        }
        if is_due(&mut self.change) {
            (self.topology_change, self.change_detected) = (false, false);
        }
        let ports: Vec<IfIndex> = self.ports.keys().copied().collect();
        for index in ports {
            let Some(port) = self.ports.get_mut(&index) else { continue };
            let (aged, on, free) =
                (is_due(&mut port.message_age), is_due(&mut port.forward_delay), is_due(&mut port.hold));
            if free && port.pending {
                self.speak(now, index);
            }
            if on {
                self.advance(now, index);
            }
            if aged {
                let was_root = self.is_root();
                self.designate(index);
                self.update(now, was_root);
            }
        }
    }

    /// A port has waited long enough in its state.
    fn advance(&mut self, now: Instant, index: IfIndex) {
        let delay = self.times.forward_delay;
        let Some(port) = self.ports.get_mut(&index) else { return };
        match port.state {
            State::Listening => (port.state, port.forward_delay) = (State::Learning, Some(now + delay)),
            State::Learning => {
                port.state = State::Forwarding;
                if self.ports.values().any(|p| p.state != State::Disabled && p.bridge == self.id) {
                    self.detect_change(now);
                }
            }
            State::Disabled | State::Blocking | State::Forwarding => {}
        }
    }

    // How it decides.

    /// Whether what was said at a port is better than what was known there.
    fn supersedes(&self, port: &Port, said: &Configuration) -> bool {
        let heard = (said.root, said.root_path_cost, said.bridge);
        match heard.cmp(&(port.root, port.designated_cost, port.bridge)) {
            core::cmp::Ordering::Less => true,
            core::cmp::Ordering::Greater => false,
            core::cmp::Ordering::Equal => said.bridge != self.id || said.port <= port.designated_port,
        }
    }

    fn record(&mut self, now: Instant, index: IfIndex, said: &Configuration) {
        let port = self.ports.get_mut(&index).expect("a BPDU came in by a port");
        (port.root, port.designated_cost) = (said.root, said.root_path_cost);
        (port.bridge, port.designated_port) = (said.bridge, said.port);
        port.said = Instant::from_nanos(now.as_nanos().saturating_sub(nanos(said.message_age)));
        port.message_age = Some(now + said.max_age.saturating_sub(said.message_age));
    }

    /// Decides anew.
    fn update(&mut self, now: Instant, was_root: bool) {
        self.select_root();
        self.select_designated();
        self.select_states(now);
        if self.is_root() && !was_root {
            self.become_root(now);
        }
    }

    fn select_root(&mut self) {
        let rank = |p: &Port| (p.root, p.designated_cost.saturating_add(p.cost), p.bridge, p.designated_port, p.id);
        let leads = |p: &Port| p.may_lead && p.state != State::Disabled && !self.is_designated(p) && p.root < self.id;
        let best = self.ports.iter().filter(|(_, p)| leads(p)).min_by_key(|(_, p)| rank(p));
        match best.map(|(index, p)| (*index, p.root, p.designated_cost.saturating_add(p.cost))) {
            Some((index, root, cost)) => (self.root_port, self.root, self.root_cost) = (Some(index), root, cost),
            None => (self.root_port, self.root, self.root_cost) = (None, self.id, 0),
        }
    }

    fn become_root(&mut self, now: Instant) {
        self.times = self.own;
        self.detect_change(now);
        self.notice = None;
        if self.running {
            self.generate(now);
            self.hello = self.on.then(|| now + self.times.hello);
        }
    }

    fn select_designated(&mut self) {
        let ports: Vec<IfIndex> = self.ports.keys().copied().collect();
        for index in ports {
            let port = self.ports[&index];
            if port.state != State::Disabled && self.should_be_designated(&port) {
                self.designate(index);
            }
        }
    }

    fn should_be_designated(&self, port: &Port) -> bool {
        let ours = (self.root_cost, self.id, port.id);
        self.is_designated(port)
            || port.root != self.root
            || ours < (port.designated_cost, port.bridge, port.designated_port)
    }

    /// This bridge speaks at the port.
    fn designate(&mut self, index: IfIndex) {
        let Some(port) = self.ports.get_mut(&index) else { return };
        (port.root, port.designated_cost) = (self.root, self.root_cost);
        (port.bridge, port.designated_port) = (self.id, port.id);
    }

    fn select_states(&mut self, now: Instant) {
        let ports: Vec<IfIndex> = self.ports.keys().copied().collect();
        for index in ports {
            let port = self.ports[&index];
            let (is_root, is_designated) = (self.root_port == Some(index), self.is_designated(&port));
            let changed = self.ports.get_mut(&index).expect("it was just looked at");
            if port.state == State::Disabled {
                continue;
            }
            if is_root || !is_designated {
                (changed.pending, changed.acknowledges) = (false, false);
            } else {
                changed.message_age = None;
            }
            if is_root || is_designated {
                self.unblock(now, index);
            } else {
                self.block(now, index);
            }
        }
    }

    fn unblock(&mut self, now: Instant, index: IfIndex) {
        let (at_once, delay) = (!self.on || self.times.forward_delay.is_zero(), self.times.forward_delay);
        let Some(port) = self.ports.get_mut(&index).filter(|p| p.state == State::Blocking) else { return };
        if at_once {
            (port.state, port.forward_delay) = (State::Forwarding, None);
            self.detect_change(now);
        } else {
            (port.state, port.forward_delay) = (State::Listening, Some(now + delay));
        }
    }

    fn block(&mut self, now: Instant, index: IfIndex) {
        let Some(port) = self.ports.get_mut(&index) else { return };
        let was = core::mem::replace(&mut port.state, State::Blocking);
        port.forward_delay = None;
        if matches!(was, State::Learning | State::Forwarding) {
            self.detect_change(now);
        }
    }

    /// The tree changed here.
    fn detect_change(&mut self, now: Instant) {
        if !self.on {
            return;
        }
        if self.is_root() {
            self.topology_change = true;
            self.change = Some(now + self.own.forward_delay + self.own.max_age);
        } else if !self.change_detected {
            self.report(now);
        }
        self.change_detected = true;
    }

    // What it says.

    fn report(&mut self, now: Instant) {
        if let Some(port) = self.root_port.filter(|_| self.on) {
            self.sent.push((port, Bpdu::TopologyChange));
        }
        self.notice = Some(now + self.own.hello);
    }

    /// Speaks at every port where it is for this bridge to speak.
    fn generate(&mut self, now: Instant) {
        let speaks = |p: &Port| p.state != State::Disabled && self.is_designated(p);
        let ports: Vec<IfIndex> = self.ports.iter().filter(|(_, p)| speaks(p)).map(|(index, _)| *index).collect();
        ports.into_iter().for_each(|port| self.speak(now, port));
    }

    fn speak(&mut self, now: Instant, index: IfIndex) {
        let towards_root = self.root_port.and_then(|port| self.ports.get(&port));
        let message_age = towards_root.map_or(Duration::ZERO, |port| now.since(port.said) + AGE_STEP);
        let Some(port) = self.ports.get_mut(&index).filter(|_| self.on) else { return };
        if port.hold.is_some() {
            port.pending = true;
            return;
        }
        if message_age >= self.times.max_age {
            return;
        }
        let said = Configuration {
            topology_change: self.topology_change,
            acknowledged: port.acknowledges,
            root: self.root,
            root_path_cost: self.root_cost,
            bridge: self.id,
            port: port.id,
            message_age,
            max_age: self.times.max_age,
            hello_time: self.times.hello,
            forward_delay: self.times.forward_delay,
        };
        (port.acknowledges, port.pending, port.hold) = (false, false, Some(now + HOLD));
        self.sent.push((index, Bpdu::Configuration(said)));
    }
}

/// A port's number in BPDUs: its priority and its number.
const fn port_id(priority: u8, number: u16) -> u16 {
    ((priority as u16) << 10) | (number & 0x3ff)
}
