//! Subnets of a new network: ranges, gateways and auxiliary addresses are put to the subnet they lie in. The engine
//! checks again; this is what the client refuses by itself.

use core::net::IpAddr;

use ipnetwork::IpNetwork;
use serde_json::{Map, Value, json};

use crate::cli::script::Failure;

/// What was typed.
pub(super) struct Typed<'a> {
    /// `--subnet`.
    pub(super) subnets: &'a [String],
    /// `--ip-range`.
    pub(super) ranges: &'a [String],
    /// `--gateway`.
    pub(super) gateways: &'a [String],
    /// `--aux-address`, name and address.
    pub(super) auxiliary: &'a [(String, String)],
}

/// A subnet with what lies in it.
#[derive(Debug, Default)]
struct Subnet {
    subnet: String,
    range: String,
    gateway: String,
    auxiliary: Map<String, Value>,
}

impl Typed<'_> {
    /// The list that a request carries.
    pub(super) fn consolidated(&self) -> Result<Vec<Value>, Failure> {
        if self.subnets.len() < self.ranges.len() || self.subnets.len() < self.gateways.len() {
            return Err(Failure::new("every ip-range or gateway must have a corresponding subnet"));
        }
        let mut subnets = self.distinct()?;
        self.place_ranges(&mut subnets)?;
        self.place_gateways(&mut subnets)?;
        self.place_auxiliary(&mut subnets)?;
        subnets.sort_by(|a, b| a.subnet.cmp(&b.subnet));
        Ok(subnets.iter().map(Subnet::value).collect())
    }

    fn distinct(&self) -> Result<Vec<Subnet>, Failure> {
        let mut subnets: Vec<Subnet> = Vec::new();
        for subnet in self.subnets {
            for other in &subnets {
                if contains(subnet, network_address(&other.subnet)?)?
                    || contains(&other.subnet, network_address(subnet)?)?
                {
                    return Err(Failure::new("multiple overlapping subnet configuration is not supported"));
                }
            }
            subnets.push(Subnet { subnet: subnet.clone(), ..Subnet::default() });
        }
        Ok(subnets)
    }

    fn place_ranges(&self, subnets: &mut [Subnet]) -> Result<(), Failure> {
        for range in self.ranges {
            let address = cidr(range)?.ip();
            let missing = || Failure::new(format!("no matching subnet for range {range}"));
            let subnet = find(subnets, Some(address))?.ok_or_else(missing)?;
            if !subnet.range.is_empty() {
                return Err(taken("ranges", range, &subnet.range, "on", &subnet.subnet));
            }
            range.clone_into(&mut subnet.range);
        }
        Ok(())
    }

    fn place_gateways(&self, subnets: &mut [Subnet]) -> Result<(), Failure> {
        for gateway in self.gateways {
            let missing = || Failure::new(format!("no matching subnet for gateway {gateway}"));
            let subnet = find(subnets, address(gateway)?)?.ok_or_else(missing)?;
            if !subnet.gateway.is_empty() {
                return Err(taken("gateways", gateway, &subnet.gateway, "for", &subnet.subnet));
            }
            gateway.clone_into(&mut subnet.gateway);
        }
        Ok(())
    }

    fn place_auxiliary(&self, subnets: &mut [Subnet]) -> Result<(), Failure> {
        for (name, text) in self.auxiliary {
            let missing = || Failure::new(format!("no matching subnet for aux-address {text}"));
            let subnet = find(subnets, address(text)?)?.ok_or_else(missing)?;
            subnet.auxiliary.insert(name.clone(), json!(text));
        }
        Ok(())
    }
}

impl Subnet {
    fn value(&self) -> Value {
        let mut fields = Map::new();
        for (name, text) in [("Subnet", &self.subnet), ("IPRange", &self.range), ("Gateway", &self.gateway)] {
            if !text.is_empty() {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        if !self.auxiliary.is_empty() {
            fields.insert("AuxiliaryAddresses".to_owned(), Value::Object(self.auxiliary.clone()));
        }
        Value::Object(fields)
    }
}

fn taken(what: &str, new: &str, old: &str, preposition: &str, subnet: &str) -> Failure {
    Failure::new(format!("cannot configure multiple {what} ({new}, {old}) {preposition} the same subnet ({subnet})"))
}

fn find(subnets: &mut [Subnet], address: Option<IpAddr>) -> Result<Option<&mut Subnet>, Failure> {
    let Some(address) = address else { return Ok(None) };
    for subnet in subnets {
        if contains(&subnet.subnet, address)? {
            return Ok(Some(subnet));
        }
    }
    Ok(None)
}

fn contains(subnet: &str, address: IpAddr) -> Result<bool, Failure> {
    let subnet = cidr(subnet).map_err(|why| Failure::new(format!("invalid subnet: {}", why.message)))?;
    Ok(subnet.contains(address))
}

fn network_address(subnet: &str) -> Result<IpAddr, Failure> {
    cidr(subnet).map(|subnet| subnet.network()).map_err(|why| Failure::new(format!("invalid subnet: {}", why.message)))
}

/// An address, alone or with the length of a prefix; none when it is neither.
fn address(text: &str) -> Result<Option<IpAddr>, Failure> {
    if text.contains('/') { cidr(text).map(|network| Some(network.ip())) } else { Ok(text.parse().ok()) }
}

fn cidr(text: &str) -> Result<IpNetwork, Failure> {
    let parsed = text.contains('/').then(|| text.parse().ok()).flatten();
    parsed.ok_or_else(|| Failure::new(format!("invalid CIDR address: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consolidated(subnets: &str, ranges: &str, gateways: &str, auxiliary: &str) -> Result<String, String> {
        let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let pair = |text: &str| text.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a pair");
        let (subnets, ranges, gateways) = (list(subnets), list(ranges), list(gateways));
        let auxiliary: Vec<_> = auxiliary.split_whitespace().map(pair).collect();
        let typed = Typed { subnets: &subnets, ranges: &ranges, gateways: &gateways, auxiliary: &auxiliary };
        typed.consolidated().map(|list| Value::from(list).to_string()).map_err(|failure| failure.message)
    }

    #[test]
    fn everything_finds_its_subnet() {
        let found = consolidated("10.9.0.0/24 10.8.0.0/24", "10.9.0.128/25", "10.9.0.254", "x=10.9.0.130");
        let expected = concat!(
            r#"[{"Subnet":"10.8.0.0/24"},{"Subnet":"10.9.0.0/24","IPRange":"10.9.0.128/25","Gateway":"10.9.0.254","#,
            r#""AuxiliaryAddresses":{"x":"10.9.0.130"}}]"#,
        );
        assert_eq!(found.as_deref(), Ok(expected));
    }

    #[test]
    fn a_lone_subnet_is_left_to_the_engine() {
        assert_eq!(consolidated("banana", "", "", "").as_deref(), Ok(r#"[{"Subnet":"banana"}]"#));
    }

    #[test]
    fn what_finds_no_subnet_is_refused() {
        let refused = |subnets, ranges, gateways, auxiliary| {
            consolidated(subnets, ranges, gateways, auxiliary).expect_err("it does not fit")
        };
        let lonely = "every ip-range or gateway must have a corresponding subnet";
        assert_eq!(refused("", "", "10.70.0.1", ""), lonely);
        assert_eq!(refused("10.70.0.0/24", "", "10.70.0.1 10.70.0.2", ""), lonely);
        assert_eq!(refused("10.70.0.0/24", "banana", "", ""), "invalid CIDR address: banana");
        assert_eq!(refused("banana", "", "10.0.0.1", ""), "invalid subnet: invalid CIDR address: banana");
        assert_eq!(refused("10.70.0.0/24", "", "banana", ""), "no matching subnet for gateway banana");
        assert_eq!(refused("10.70.0.0/24", "", "", "f=10.71.0.5"), "no matching subnet for aux-address 10.71.0.5");
        let overlap = "multiple overlapping subnet configuration is not supported";
        assert_eq!(refused("10.70.0.0/24 10.70.0.0/25", "", "", ""), overlap);
        let twice = "cannot configure multiple gateways (10.0.0.2, 10.0.0.1) for the same subnet (10.0.0.0/24)";
        assert_eq!(refused("10.0.0.0/24 10.1.0.0/24", "", "10.0.0.1 10.0.0.2", ""), twice);
    }
}
