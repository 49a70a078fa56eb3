//! Ports of services as they are typed: `8080:80/udp`, or `published=8080,target=80,mode=host`.

use serde_json::{Value, json};

use crate::cli::create::published as short;

/// What is wrong with what was typed.
pub(super) fn check(text: &str) -> Result<(), String> {
    parse(text).map(drop)
}

/// The ports that were typed.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, String> {
    if text.contains('=') { long_form(text).map(|port| vec![port]) } else { short_form(text) }
}

fn long_form(text: &str) -> Result<Value, String> {
    let (mut target, mut published, mut protocol, mut mode) = (0, 0, "tcp".to_owned(), "ingress".to_owned());
    for field in text.split(',') {
        let Some((key, value)) = field.split_once('=').filter(|(_, value)| !value.is_empty()) else {
            return Err(format!("invalid field: {field}"));
        };
        let number = || value.parse::<u16>().map_err(|_| value.to_owned());
        match key.to_lowercase().as_str() {
            "protocol" if ["tcp", "udp", "sctp"].contains(&value) => value.clone_into(&mut protocol),
            "protocol" => {
                return Err(format!("invalid protocol value '{value}'"));
            }
            "mode" if ["ingress", "host"].contains(&value) => value.clone_into(&mut mode),
            "mode" => return Err(format!("invalid publish mode value ({value}): must be either 'ingress' or 'host'")),
            "target" => {
                target = number().map_err(|word| format!("invalid target port ({word}): value must be an integer: strconv.ParseUint: parsing \"{word}\": invalid syntax"))?;
            }
            "published" => {
                published = number().map_err(|word| format!("invalid published port ({word}): value must be an integer: strconv.ParseUint: parsing \"{word}\": invalid syntax"))?;
            }
            other => return Err(format!("invalid field key: {other}")),
        }
    }
    if target == 0 {
        return Err("missing mandatory field 'target'".to_owned());
    }
    Ok(port(&protocol, target, published, &mode))
}

fn short_form(text: &str) -> Result<Vec<Value>, String> {
    let (_, bindings) = short(&[text.to_owned()]).map_err(|failure| failure.message)?;
    let mut ports = Vec::new();
    for (key, list) in bindings.as_object().into_iter().flatten() {
        let (target, protocol) = key.split_once('/').unwrap_or((key, "tcp"));
        let target = target.parse().unwrap_or_default();
        for binding in list.as_array().into_iter().flatten() {
            if binding["HostIp"].as_str().is_some_and(|address| !address.is_empty()) {
                return Err("hostip is not supported".to_owned());
            }
            let published = binding["HostPort"].as_str().unwrap_or_default();
            ports.push(port(protocol, target, published.parse().unwrap_or_default(), "ingress"));
        }
    }
    Ok(ports)
}

fn port(protocol: &str, target: u16, published: u16, mode: &str) -> Value {
    let mut port = json!({ "Protocol": protocol, "TargetPort": target });
    if published != 0 {
        port["PublishedPort"] = json!(published);
    }
    port["PublishMode"] = json!(mode);
    port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_typed_in_two_forms() {
        let one = |text: &str| parse(text).map(|ports| Value::from(ports).to_string());
        let expected = r#"[{"Protocol":"tcp","TargetPort":80,"PublishedPort":8090,"PublishMode":"ingress"}]"#;
        assert_eq!(one("8090:80").as_deref(), Ok(expected));
        assert_eq!(one("published=8090,target=80").as_deref(), Ok(expected));
        let expected = r#"[{"Protocol":"udp","TargetPort":81,"PublishMode":"host"}]"#;
        assert_eq!(one("target=81,protocol=udp,mode=host").as_deref(), Ok(expected));
        let refused = |text: &str| parse(text).unwrap_err();
        assert_eq!(refused("80:99999"), "invalid containerPort: 99999");
        assert_eq!(refused("127.0.0.1:80:80"), "hostip is not supported");
        assert_eq!(
            refused("mode=foo,target=80"),
            "invalid publish mode value (foo): must be either 'ingress' or 'host'"
        );
        assert_eq!(refused("mode=host"), "missing mandatory field 'target'");
        assert_eq!(refused("foo=1,target=80"), "invalid field key: foo");
    }
}
