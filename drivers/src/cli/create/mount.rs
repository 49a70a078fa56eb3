//! `--mount`: a mount as a list of fields with commas between, read and passed on.

use serde_json::{Map, Value, json};

use super::quantity::bytes;

/// Whether a mount can be read.
pub(in super::super) fn check(text: &str) -> Result<(), String> {
    read(text).map(drop)
}

/// The mount as the engine takes it.
pub(in super::super) fn read(text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Err("EOF".to_owned());
    }
    let mut mount = Map::from_iter([("Type".to_owned(), json!("volume"))]);
    for field in text.split(',') {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_lowercase(), value),
            None if matches!(
                field.to_lowercase().as_str(),
                "readonly" | "ro" | "volume-nocopy" | "bind-nonrecursive"
            ) =>
            {
                (field.to_lowercase(), "true")
            }
            None => return Err(format!("invalid field '{field}' must be a key=value pair")),
        };
        let name = match key.as_str() {
            "type" => "Type",
            "source" | "src" => "Source",
            "target" | "dst" | "destination" => "Target",
            "readonly" | "ro" => {
                let on = matches!(value, "1" | "t" | "T" | "true" | "TRUE" | "True");
                if !on && !matches!(value, "0" | "f" | "F" | "false" | "FALSE" | "False") {
                    return Err(format!("invalid value for {key}: {value}"));
                }
                mount.insert("ReadOnly".to_owned(), json!(on));
                continue;
            }
            "consistency" => "Consistency",
            "tmpfs-size" if bytes(value).is_err() => return Err(format!("invalid value for {key}: {value}")),
            "bind-propagation" | "bind-nonrecursive" | "bind-recursive" | "volume-subpath" | "volume-nocopy"
            | "volume-label" | "volume-driver" | "volume-opt" | "image-subpath" | "tmpfs-size" | "tmpfs-mode" => {
                continue;
            }
            _ => return Err(format!("unexpected key '{key}' in '{field}'")),
        };
        let value = if name == "Type" { value.to_lowercase() } else { value.to_owned() };
        mount.insert(name.to_owned(), json!(value));
    }
    if !mount.contains_key("Target") {
        return Err("target is required".to_owned());
    }
    Ok(Value::Object(mount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_a_target_is_needed() {
        let expected = r#"{"Type":"bind","Source":"/a","Target":"/b","ReadOnly":true}"#;
        assert_eq!(read("type=bind,src=/a,dst=/b,ro").map(|mount| mount.to_string()), Ok(expected.to_owned()));
        assert_eq!((check(""), check("type=tmpfs,target=/x,tmpfs-size=1m")), (Err("EOF".to_owned()), Ok(())));
        let size = check("type=tmpfs,target=/x,tmpfs-size=banana");
        assert_eq!(size, Err("invalid value for tmpfs-size: banana".to_owned()));
        assert_eq!(check("x"), Err("invalid field 'x' must be a key=value pair".to_owned()));
        assert_eq!(check("foo=bar"), Err("unexpected key 'foo' in 'foo=bar'".to_owned()));
        assert_eq!(check("type=bind"), Err("target is required".to_owned()));
    }
}
