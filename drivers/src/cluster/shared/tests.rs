use netyard_sim::time::Instant;

use super::*;
use crate::cluster::remote::Found;
use crate::cluster::store::{Refusal, Store};
use crate::ipam::{PoolRequest, parse_prefix};
use crate::network::{Allocation, SubnetConfig};

const NODE: &str = "192.0.2.10:2376";
const OTHER: &str = "192.0.2.11:2376";

/// A store, and what a client of it sees.
struct Lab {
    store: Store,
    lease: LeaseId,
}

impl Lab {
    fn new() -> Self {
        let mut store = Store::default();
        let lease = store.grant(Instant::ZERO, core::time::Duration::from_secs(60));
        Self { store, lease }
    }

    fn view(&self) -> View {
        let found = self.store.range("").map(|(key, entry)| Found {
            key: key.to_owned(),
            value: entry.value.clone(),
            modified: entry.modified,
            lease: entry.lease,
        });
        let mut view = View::new(String::new());
        view.replace(self.store.revision(), found.collect());
        view
    }

    fn commit(&mut self, commit: Commit) {
        self.store.commit(commit).expect("nobody was faster");
    }

    /// Makes a network; its subnet and number.
    fn network(&mut self, number: u8, config: &NetworkConfig) -> Result<String, Error> {
        let id = id(number);
        let commit = create(&self.view(), id, u64::from(number), config)?;
        self.commit(commit);
        let made = find(&self.view(), &id.to_string()).expect("it was just made").network;
        Ok(format!("{} {}", made.subnets[0].net, made.options[VNIS]))
    }

    /// Gives a container of a node an address.
    fn enter(&mut self, term: &str, node: &str, name: &str, wanted: Option<&str>) -> Result<String, Error> {
        let view = self.view();
        let shared = find(&view, term).expect("it was made");
        let wanted = wanted.map(|addr| addr.parse().unwrap());
        let guest = Guest { occupant: &occupant(node, name), wanted, lease: self.lease };
        let (commit, addr) = enter(&view, &shared, &guest)?;
        self.commit(commit);
        Ok(addr.to_string())
    }

    /// What is on a network, by address.
    fn on(&self, term: &str) -> Vec<String> {
        let view = self.view();
        let network = find(&view, term).expect("it was made").network.id;
        occupants(&view, &network).iter().map(|(addr, occupant, _)| format!("{addr} {}", occupant.name)).collect()
    }
}

fn id(number: u8) -> Id {
    Id::from_bytes([number; 32])
}

fn occupant(node: &str, name: &str) -> Occupant {
    let node = node.parse().unwrap();
    let (container, name) = (format!("id of {name}"), name.to_owned());
    Occupant { container, name, aliases: Vec::new(), mac: None, endpoint: None, node }
}

fn plain(name: &str) -> NetworkConfig {
    NetworkConfig { name: name.to_owned(), ..NetworkConfig::default() }
}

fn with_subnet(name: &str, subnet: &str) -> NetworkConfig {
    let pool = PoolRequest { subnet: parse_prefix(subnet).unwrap(), range: None };
    let subnet = SubnetConfig { pool, gateway: None, auxiliary: BTreeMap::new(), allocation: Allocation::Lowest };
    NetworkConfig { subnets: vec![subnet], ..plain(name) }
}

#[test]
fn networks_get_what_no_other_has() {
    let mut lab = Lab::new();
    assert_eq!(lab.network(1, &plain("n1")), Ok("10.0.0.0/24 256".to_owned()));
    assert_eq!(lab.network(2, &plain("n1")), Err(Error::NetworkNameTaken("n1".to_owned())));
    assert_eq!(lab.network(2, &with_subnet("n2", "10.0.0.0/16")), Err(Error::PoolOverlaps));
    assert_eq!(lab.network(2, &with_subnet("n2", "10.0.1.0/24")), Ok("10.0.1.0/24 257".to_owned()));
    assert_eq!(lab.network(3, &plain("n3")), Ok("10.0.2.0/24 258".to_owned()));
    let view = lab.view();
    lab.commit(remove(&view, &find(&view, "n3").unwrap(), |_| false).unwrap());
    assert_eq!(lab.network(4, &plain("n4")), Ok("10.0.3.0/24 259".to_owned()), "the search goes on");
}

#[test]
fn a_network_that_a_store_has_forgotten_is_told_to_it_again_unless_another_has_what_it_had() {
    let mut lab = Lab::new();
    lab.network(1, &plain("n1")).unwrap();
    lab.network(2, &with_subnet("n2", "10.9.0.0/24")).unwrap();
    let known = networks(&lab.view());
    let mut lab = Lab::new();
    assert_eq!(mark(&lab.view()), None);
    lab.commit(give_mark("here"));
    assert_eq!(mark(&lab.view()), Some("here"));
    assert_eq!(lab.store.commit(give_mark("there")), Err(Refusal::Conflict));
    lab.commit(tell_again(&lab.view(), &known[0]).unwrap());
    let again = networks(&lab.view());
    assert_eq!((again.len(), &again[0].network), (1, &known[0].network));
    assert_eq!(lab.network(3, &plain("n3")), Ok("10.0.1.0/24 257".to_owned()));
    let refused = tell_again(&lab.view(), &known[1]).unwrap_err();
    assert_eq!(refused.to_string(), "VXLAN number 257 is another network's");
    let renamed = Shared { id: id(4), ..known[0].clone() };
    assert_eq!(tell_again(&lab.view(), &renamed).unwrap_err(), Error::NetworkNameTaken("n1".to_owned()));
}

#[test]
fn of_two_who_plan_on_the_same_view_one_is_refused() {
    let mut lab = Lab::new();
    let view = lab.view();
    let [first, second] = [1, 2].map(|number| create(&view, id(number), 0, &plain(&format!("n{number}"))).unwrap());
    assert!(lab.store.commit(first).is_ok());
    assert_eq!(lab.store.commit(second), Err(Refusal::Conflict));
    let view = lab.view();
    let shared = find(&view, "n1").unwrap();
    let (one, other) = (occupant(NODE, "c1"), occupant(OTHER, "c2"));
    let [first, second] = [&one, &other]
        .map(|occupant| enter(&view, &shared, &Guest { occupant, wanted: None, lease: lab.lease }).unwrap().0);
    let removal = remove(&view, &shared, |_| false).unwrap();
    assert!(lab.store.commit(first).is_ok());
    assert_eq!(lab.store.commit(second), Err(Refusal::Conflict), "the address is taken");
    assert_eq!(lab.store.commit(removal), Err(Refusal::Conflict), "somebody has come");
}

#[test]
fn addresses_and_names_are_one_containers() {
    let mut lab = Lab::new();
    lab.network(1, &plain("n1")).unwrap();
    lab.network(2, &with_subnet("n2", "10.9.0.0/29")).unwrap();
    assert_eq!(lab.enter("n1", NODE, "c1", None), Ok("10.0.0.2".to_owned()));
    assert_eq!(lab.enter("n1", OTHER, "c2", None), Ok("10.0.0.3".to_owned()));
    let (container, network) = ("c1".to_owned(), "n1".to_owned());
    assert_eq!(lab.enter("n1", OTHER, "c1", None), Err(Error::EndpointExists { container, network }));
    assert_eq!(lab.enter("n1", OTHER, "c3", Some("10.0.0.9")), Err(Error::AddressNeedsUserSubnet));
    assert_eq!(lab.enter("n2", OTHER, "c3", Some("10.9.0.4")), Ok("10.9.0.4".to_owned()));
    assert_eq!(lab.enter("n2", NODE, "c4", Some("10.9.0.4")), Err(Error::AddressInUse));
    let outside = "10.8.0.4".parse().unwrap();
    assert_eq!(lab.enter("n2", NODE, "c4", Some("10.8.0.4")), Err(Error::AddressOutside(outside)));
    let rest: Vec<_> = (4..8).map(|n| lab.enter("n2", NODE, &format!("c{n}"), None)).collect();
    assert_eq!(rest[..3].iter().flatten().collect::<Vec<_>>(), ["10.9.0.2", "10.9.0.3", "10.9.0.5"]);
    assert_eq!(rest[3].as_deref(), Ok("10.9.0.6"));
    assert!(matches!(lab.enter("n2", NODE, "c8", None), Err(Error::PoolExhausted { .. })));
}

#[test]
fn a_network_is_removed_when_only_the_gone_are_on_it() {
    let mut lab = Lab::new();
    lab.network(1, &plain("n1")).unwrap();
    lab.enter("n1", NODE, "c1", None).unwrap();
    let view = lab.view();
    let shared = find(&view, "n1").unwrap();
    let active = Error::NetworkActive { name: "n1".to_owned(), id: id(1) };
    assert_eq!(remove(&view, &shared, |_| false), Err(active));
    lab.commit(remove(&view, &shared, |gone| gone.name == "c1").unwrap());
    assert_eq!(lab.store.range("").map(|(key, _)| key).collect::<Vec<_>>(), ["turn"]);
}

#[test]
fn what_a_node_has_is_kept_told_again_and_taken_back() {
    let mut lab = Lab::new();
    lab.network(1, &plain("n1")).unwrap();
    lab.enter("n1", NODE, "c1", None).unwrap();
    lab.enter("n1", OTHER, "c2", None).unwrap();
    let node = NODE.parse().unwrap();
    let known = Occupant { mac: Some("02:42:0a:00:00:02".to_owned()), ..occupant(NODE, "c1") };
    let held: Holdings = [((id(1).to_string(), "10.0.0.2".parse().unwrap()), known)].into();
    let keep_up = |lab: &mut Lab, held: &Holdings, lease| {
        while let Some(upkeep) = upkeep(&lab.view(), node, held, |_| false, lease) {
            match upkeep {
                Upkeep::Tell(commit) => lab.commit(commit),
                lost @ Upkeep::Lost(..) => return Some(lost),
            }
        }
        None
    };
    let lease = lab.lease;
    assert_eq!(keep_up(&mut lab, &held, lease), None);
    assert!(occupants(&lab.view(), &id(1).to_string())[0].1.mac.is_some());
    // The lease has ended, and there is another.
    lab.store.revoke(Instant::ZERO, lease);
    assert_eq!(lab.on("n1"), [] as [&str; 0]);
    lab.lease = lab.store.grant(Instant::ZERO, core::time::Duration::from_secs(60));
    let lease = lab.lease;
    assert_eq!(keep_up(&mut lab, &held, lease), None);
    assert_eq!(lab.on("n1"), ["10.0.0.2 c1"]);
    assert_eq!(keep_up(&mut lab, &Holdings::new(), lease), None);
    assert_eq!(lab.on("n1"), [] as [&str; 0]);
    lab.enter("n1", OTHER, "c9", None).unwrap();
    let lost = Upkeep::Lost(id(1).to_string(), "10.0.0.2".parse().unwrap());
    assert_eq!(keep_up(&mut lab, &held, lease), Some(lost), "another host has its address now");
}

#[test]
fn an_address_that_is_written_oddly_is_taken_back_too() {
    let mut lab = Lab::new();
    lab.network(1, &plain("n1")).unwrap();
    for addr in ["10.0.0.2", "::0:1", "banana", "a/b", ""] {
        let key = format!("endpoint/{}/{addr}", id(1));
        lab.store.put(&key, serde_json::to_string(&occupant(NODE, "c1")).unwrap());
    }
    let (node, lease) = (NODE.parse().unwrap(), lab.lease);
    for _ in 0..5 {
        match upkeep(&lab.view(), node, &Holdings::new(), |_| false, lease) {
            Some(Upkeep::Tell(commit)) => lab.commit(commit),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(upkeep(&lab.view(), node, &Holdings::new(), |_| false, lease), None);
}

#[test]
fn what_is_no_network_is_none() {
    let mut lab = Lab::new();
    lab.network(1, &plain("n1")).unwrap();
    let good = lab.store.get(&format!("network/{}", id(1))).unwrap().value.clone();
    lab.store.put(&format!("network/{}", id(2)), good.clone());
    lab.store.put(&format!("network/{}", id(3)), good.replace("10.0.0.0/24", "fd00::/64"));
    for (key, value) in [("x", "{}"), ("y", "null"), ("z", "\u{0}"), ("", "[]")] {
        lab.store.put(&format!("network/{key}"), value.to_owned());
    }
    let view = lab.view();
    assert_eq!(networks(&view).len(), 1);
    assert_eq!(nonsense(&view).len(), 6);
    lab.store.put("turn", r#"{"subnet":18446744073709551615,"vni":4294967295}"#.to_owned());
    assert!(lab.network(4, &plain("n4")).is_ok());
}
