//! Shapes: how the client's Go structs write themselves. What the engine sends is read into a struct before a template
//! sees it; fields then come in the struct's order, unknown ones are gone and missing ones have their zero value (so an
//! engine of API 1.41 seems to know `GwPriority`). A shape is an example of zero values; it checks nothing.
//!
//! In an example `"Name?"` is left out when it is empty (it keeps the mark for the template, which can name it), `"*"` stands
//! for every key of a map, a list of one thing is a list of such things, `null` stands for anything, and `[]` for anything
//! that a pointer leads to, as it was sent.

use serde_json::{Map, Value};

use crate::template::LEFT_OUT;

/// A struct of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// `container.InspectResponse`.
    Container,
    /// `network.Inspect`.
    Network,
    /// `swarm.Service`.
    Service,
}

impl Shape {
    /// What the engine sent, as the struct would write itself.
    pub(super) fn fit(self, sent: &Value) -> Value {
        let example = match self {
            Self::Container => include_str!("shape/container.json"),
            Self::Network => include_str!("shape/network.json"),
            Self::Service => include_str!("shape/service.json"),
        };
        let example = serde_json::from_str(example).expect("the examples are well-formed");
        fit(&example, sent)
    }
}

/// The same with the keys of every map in order, as Go writes maps.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => sorted_map(fields, sorted),
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn sorted_map(fields: &Map<String, Value>, each: impl Fn(&Value) -> Value) -> Value {
    let mut keys: Vec<&String> = fields.keys().collect();
    keys.sort();
    Value::Object(keys.into_iter().map(|key| (key.clone(), each(&fields[key]))).collect())
}

fn fit(example: &Value, sent: &Value) -> Value {
    match (example, sent) {
        (Value::Null, sent) => sorted(sent),
        (Value::Object(example), Value::Object(fields)) => match example.get("*") {
            Some(each) => sorted_map(fields, |value| fit(each, value)),
            None => fit_fields(example, fields),
        },
        (Value::Array(example), Value::Array(items)) if example.len() == 1 => {
            items.iter().map(|item| fit(&example[0], item)).collect()
        }
        (Value::Object(_) | Value::Array(_), sent) => sent.clone(),
        (zero, Value::Null) => zero.clone(),
        (_, sent) => sent.clone(),
    }
}

fn fit_fields(example: &Map<String, Value>, sent: &Map<String, Value>) -> Value {
    let mut fitted = Map::new();
    for (name, zero) in example {
        let (name, optional) = name.strip_suffix('?').map_or((name.as_str(), false), |name| (name, true));
        let value = sent.get(name).map_or_else(|| missing(zero), |value| fit(zero, value));
        let is_pointer = *zero == Value::Array(Vec::new());
        let is_left_out = if is_pointer { value.is_null() } else { is_empty(&value) };
        let suffix = if optional && is_left_out { LEFT_OUT.to_string() } else { String::new() };
        fitted.insert(format!("{name}{suffix}"), value);
    }
    Value::Object(fitted)
}

/// The zero value of a field that was not sent.
fn missing(zero: &Value) -> Value {
    match zero {
        Value::Object(fields) if fields.contains_key("*") => Value::Null,
        Value::Object(fields) => fit_fields(fields, &Map::new()),
        Value::Array(items) if items.len() <= 1 => Value::Null,
        other => other.clone(),
    }
}

/// What Go's `omitempty` leaves out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_in_the_structs_order_with_zero_values_for_what_is_missing() {
        let sent = json!({"Labels": {"b": "1", "a": "2"}, "Name": "n1", "EnableIPv6": true, "Unknown": 1, "IPAM":
            {"Config": [{"Gateway": "10.0.0.1", "Subnet": "10.0.0.0/8"}], "Driver": "default", "Options": {}}});
        let expected = concat!(
            r#"{"Name":"n1","Id":"","Created":"0001-01-01T00:00:00Z","Scope":"","Driver":"","EnableIPv4":false,"#,
            r#""EnableIPv6":true,"IPAM":{"Driver":"default","Options":{},"#,
            r#""Config":[{"Subnet":"10.0.0.0/8","IPRange?":"","Gateway":"10.0.0.1","AuxiliaryAddresses?":null}]},"#,
            r#""Internal":false,"Attachable":false,"Ingress":false,"ConfigFrom":{"Network":""},"ConfigOnly":false,"#,
            r#""Containers":null,"Options":null,"Labels":{"a":"2","b":"1"},"Peers?":null,"Services?":null}"#,
        );
        assert_eq!(Shape::Network.fit(&sent).to_string(), expected);
    }

    #[test]
    fn an_endpoint_of_api_1_41_gets_the_newer_fields_and_a_missing_one_stays_null() {
        let sent =
            json!({"NetworkSettings": {"Networks": {"b": null, "a": {"IPAMConfig": {}, "IPAddress": "10.0.0.2"}}}});
        let expected = concat!(
            r#"{"a":{"IPAMConfig":{"IPv4Address?":"","IPv6Address?":"","LinkLocalIPs?":null},"Links":null,"Aliases":null,"MacAddress":"","DriverOpts":null,"GwPriority":0,"#,
            r#""NetworkID":"","EndpointID":"","Gateway":"","IPAddress":"10.0.0.2","IPPrefixLen":0,"IPv6Gateway":"","#,
            r#""GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"DNSNames":null},"b":null}"#,
        );
        assert_eq!(Shape::Container.fit(&sent)["NetworkSettings"]["Networks"].to_string(), expected);
    }

    #[test]
    fn what_is_empty_and_optional_is_left_out() {
        let sent = json!({"HostConfig": {"KernelMemory": 0, "Runtime": "runc", "Sysctls": {}, "Init": false}});
        let host = Shape::Container.fit(&sent)["HostConfig"].to_string();
        assert!(host.contains(r#""ShmSize":0,"Sysctls?":{},"Runtime":"runc","Isolation":"""#), "{host}");
        assert!(host.contains(r#""KernelMemory?":0"#) && host.contains(r#""Init?":false"#), "{host}");
    }

    #[test]
    fn maps_are_sorted_all_the_way_down() {
        assert_eq!(sorted(&json!({"b": [{"d": 1, "c": 2}], "a": 3})).to_string(), r#"{"a":3,"b":[{"c":2,"d":1}]}"#);
    }
}
