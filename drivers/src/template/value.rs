//! What a template computes with: JSON values, seen as Go sees them. Objects are maps, `null` is nil, numbers without a
//! fraction are ints. How values are printed is here; what functions do with them is not.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// The fields of Docker's objects that are maps with plain keys in the client; other objects are structs.
const MAPS: [&str; 17] = [
    "AuxAddress",
    "ExposedPorts",
    "PortBindings",
    "Ports",
    "Annotations",
    "AuxiliaryAddresses",
    "Containers",
    "Data",
    "DriverOpts",
    "Labels",
    "Networks",
    "Options",
    "Services",
    "StorageOpt",
    "Sysctls",
    "Tmpfs",
    "Volumes",
];

/// Those that are lists, and printed as such where there is nothing.
const LISTS: [&str; 29] = [
    "Aliases",
    "Args",
    "Binds",
    "CapAdd",
    "CapDrop",
    "Cmd",
    "Config",
    "DNSNames",
    "Devices",
    "DeviceRequests",
    "Dns",
    "DnsOptions",
    "DnsSearch",
    "Entrypoint",
    "Env",
    "ExecIDs",
    "ExtraHosts",
    "GroupAdd",
    "Links",
    "LinkLocalIPs",
    "MaskedPaths",
    "Mounts",
    "OnBuild",
    "Peers",
    "ReadonlyPaths",
    "SecondaryIPAddresses",
    "SecurityOpt",
    "Ulimits",
    "VolumesFrom",
];

/// What a field of Docker's is for the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Text, a number, a struct or a pointer to one.
    Plain,
    /// A list.
    List,
    /// A map, where a field may be missing.
    Map,
}

impl Kind {
    fn of(field: &str) -> Self {
        match field {
            field if MAPS.contains(&field) => Self::Map,
            field if LISTS.contains(&field) => Self::List,
            _ => Self::Plain,
        }
    }
}

/// What the name of a field ends with that has its zero value and is left out where the struct is written as JSON.
pub(crate) const LEFT_OUT: char = '?';

/// A value on its way through a template.
#[derive(Clone, Debug)]
pub(super) struct Val<'d> {
    pub(super) data: Cow<'d, Value>,
    /// Whether Go would know it only as an `interface {}`, which error texts then name: an element of a map or a list
    /// does, until a pipeline hands it on.
    pub(super) boxed: bool,
    /// What it is for the docker client, as far as the name of its field tells.
    pub(super) kind: Kind,
    /// Whether it stands in the data, be it as a null.
    pub(super) is_there: bool,
    /// The field that it is; empty when it is none.
    pub(super) field: &'static str,
}

impl<'d> Val<'d> {
    /// A value of which Go knows the type.
    pub(super) fn of(value: impl Into<Value>) -> Self {
        Self { data: Cow::Owned(value.into()), boxed: false, kind: Kind::Plain, is_there: false, field: "" }
    }

    /// The data a template is given.
    pub(super) fn root(data: &'d Value) -> Self {
        Self { data: Cow::Borrowed(data), boxed: false, kind: Kind::Plain, is_there: false, field: "" }
    }

    /// No value at all.
    pub(super) fn nothing() -> Self {
        Self::of(Value::Null)
    }

    /// Whether there is no value, not even a nil of some type.
    pub(super) fn is_nothing(&self) -> bool {
        self.data.is_null() && !self.boxed
    }

    /// The same value, out of its box.
    pub(super) fn unboxed(self) -> Self {
        Self { boxed: false, ..self }
    }

    /// An element of it, in its box.
    pub(super) fn element(&self, pick: impl for<'x> Fn(&'x Value) -> Option<&'x Value>) -> Option<Self> {
        let data = match &self.data {
            Cow::Borrowed(value) => Cow::Borrowed(pick(value)?),
            Cow::Owned(value) => Cow::Owned(pick(value)?.clone()),
        };
        Some(Self { data, boxed: true, kind: Kind::Plain, is_there: true, field: "" })
    }

    /// The entry of an object.
    pub(super) fn entry(&self, key: &str) -> Option<Self> {
        let entry = self.element(|value| value.get(key).or_else(|| value.get(format!("{key}{LEFT_OUT}"))))?;
        let field = MAPS.into_iter().find(|field| *field == key).unwrap_or_default();
        Some(Self { kind: Kind::of(key), field, ..entry })
    }

    /// The type that Go would say it has, seen from outside of its box.
    pub(super) fn outer_type(&self) -> &'static str {
        if self.boxed { "interface {}" } else { type_name(&self.data) }
    }
}

/// The Go type of a value.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "interface {}",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Whether a value is true in an `if`: it is not empty, not zero, not nil.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

/// The entries of an object in the order of a Go map: by key.
pub(super) fn sorted(entries: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    sorted
}

/// A value as Go's `%v` prints it, each plain value in it by `plain`.
pub(super) fn text_by(value: &Value, plain: &dyn Fn(&Value) -> String) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text_by(item, plain)).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}:{}", plain(&Value::from(key.as_str())), text_by(value, plain))
            };
            let entries: Vec<String> = sorted(entries).into_iter().map(entry).collect();
            format!("map[{}]", entries.join(" "))
        }
        Value::Null => "<nil>".to_owned(),
        _ => plain(value),
    }
}

/// A value as Go's `%v` prints it.
pub(super) fn text(value: &Value) -> String {
    text_by(value, &|plain| match plain {
        Value::String(s) => s.clone(),
        Value::Number(n) => number_text(n),
        other => other.to_string(),
    })
}

/// A value as Go prints the client's structs: their values alone, in the order of their fields. An endpoint's ports are
/// lists even where there is none.
pub(super) fn typed(value: &Val<'_>) -> String {
    if value.data.is_null() && !value.is_there {
        "<no value>".to_owned()
    } else {
        typed_as(&value.data, value.kind, value.field)
    }
}

fn typed_as(value: &Value, kind: Kind, field: &str) -> String {
    let joined = |parts: Vec<String>| parts.join(" ");
    match (value, kind) {
        (Value::Null, Kind::List) => "[]".to_owned(),
        (Value::Null, Kind::Map) => "map[]".to_owned(),
        (Value::Object(entries), Kind::Map) => {
            let within = if matches!(field, "Ports" | "PortBindings") { Kind::List } else { Kind::Plain };
            let entry = |(key, value): (&String, &Value)| format!("{key}:{}", typed_as(value, within, ""));
            format!("map[{}]", joined(sorted(entries).into_iter().map(entry).collect()))
        }
        (Value::Object(fields), _) => {
            let field = |(name, value): (&String, &Value)| typed_as(value, Kind::of(name), name);
            format!("{{{}}}", joined(fields.iter().map(field).collect()))
        }
        (Value::Array(items), _) => {
            format!("[{}]", joined(items.iter().map(|item| typed_as(item, Kind::Plain, "")).collect()))
        }
        _ => text(value),
    }
}

/// A value as an action prints it: like `%v`, but that there may be no value.
pub(super) fn printed(value: &Value) -> String {
    if value.is_null() { "<no value>".to_owned() } else { text(value) }
}

fn number_text(n: &Number) -> String {
    match n.as_f64().filter(|_| n.is_f64()) {
        Some(f) => float_text(f),
        None => n.to_string(),
    }
}

/// A float as Go's `%v` prints it: with an exponent below 1e-4 and from 1e6 on.
pub(super) fn float_text(f: f64) -> String {
    let scientific = format!("{f:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific };
    if f != 0.0 && !(-4..6).contains(&exponent) { with_exponent(mantissa, exponent) } else { f.to_string() }
}

/// A mantissa with an exponent of a sign and at least two digits.
pub(super) fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_are_printed_by_key_and_nil_is_told_from_nothing() {
        let value = json!({"z": 1, "a": {"q": null}, "l": ["b", 2.5, null, true]});
        assert_eq!(text(&value), "map[a:map[q:<nil>] l:[b 2.5 <nil> true] z:1]");
        assert_eq!(printed(&Value::Null), "<no value>");
        assert_eq!(text(&json!([[], {}])), "[[] map[]]");
    }

    #[test]
    fn structs_are_printed_without_the_names_of_their_fields() {
        let data = json!({"IPAM": {"Driver": "default", "Options": null, "Config": [{"Subnet": "10.0.0.0/8", "Aux": 1}]},
            "Ports": {"80/tcp": [{"HostIp": "::", "HostPort": "8080"}], "81/tcp": null}, "Health": null});
        let field = |name: &str| typed(&Val::root(&data).entry(name).expect("it is there").unboxed());
        assert_eq!(field("IPAM"), "{default map[] [{10.0.0.0/8 1}]}");
        assert_eq!(field("Ports"), "map[80/tcp:[{:: 8080}] 81/tcp:[]]");
        assert_eq!((field("Health"), typed(&Val::nothing())), ("<nil>".to_owned(), "<no value>".to_owned()));
    }

    #[test]
    fn floats_have_gos_exponents() {
        let cases = [
            (1.0, "1"),
            (123456.5, "123456.5"),
            (123456789.0, "1.23456789e+08"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-1.5e-7, "-1.5e-07"),
            (0.0, "0"),
        ];
        for (f, text) in cases {
            assert_eq!(float_text(f), text);
        }
    }

    #[test]
    fn an_element_of_borrowed_data_is_borrowed() {
        let data = json!({"a": {"b": "c"}});
        let entry = Val::root(&data).entry("a").and_then(|a| a.entry("b")).expect("it is there");
        assert!(matches!(entry.data, Cow::Borrowed(_)));
        assert_eq!((entry.outer_type(), entry.unboxed().outer_type()), ("interface {}", "string"));
    }
}
