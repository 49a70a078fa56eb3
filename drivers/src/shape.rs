//! Shapes of JSON, as the engine's Go types have them: keys are known whatever their case, unknown ones are
//! dropped, null is nothing, and a value of another type is refused in the words of Go's decoder.

use serde_json::{Deserializer, Map, Value};

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Anything: what it means is read elsewhere.
    Any,
    /// `bool`.
    Bool,
    /// A whole number, of this type.
    Int(&'static str),
    /// `string`.
    Text,
    /// `[]string`.
    Texts,
    /// One word or several.
    Words,
    /// `map[string]string`.
    TextMap,
    /// A map whose values are of this shape.
    Map(&'static Self),
    /// A list of this shape.
    List(&'static Self),
    /// A struct: its name, and its fields.
    Struct(&'static str, &'static [(&'static str, Self)]),
}

impl Shape {
    /// The name of its type.
    fn name(&self) -> String {
        match self {
            Self::Any => "interface {}".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Int(name) => (*name).to_owned(),
            Self::Text => "string".to_owned(),
            Self::Texts | Self::Words => "[]string".to_owned(),
            Self::TextMap => "map[string]string".to_owned(),
            Self::Map(inner) => format!("map[string]{}", inner.name()),
            Self::List(inner) => format!("[]{}", inner.name()),
            Self::Struct(name, _) => (*name).to_owned(),
        }
    }

    /// Reads a whole body.
    ///
    /// # Errors
    /// What Go says of a value of another type.
    pub(crate) fn read(&self, value: Value) -> Result<Value, String> {
        let root = match self {
            Self::Struct(name, _) => name,
            _ => "",
        };
        self.read_at(value, root, "")
    }

    /// Reads what is at `path`, in a struct of that name.
    fn read_at(&self, value: Value, owner: &str, path: &str) -> Result<Value, String> {
        let refuse = |value: &Value, name: String| Err(refusal(value, &name, owner, path));
        match (self, value) {
            (Self::Any, value) | (_, value @ Value::Null) => Ok(value),
            (Self::Bool, value @ Value::Bool(_)) | (Self::Text | Self::Words, value @ Value::String(_)) => Ok(value),
            (Self::Int(_), Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(Value::Number(number)),
            (Self::Texts | Self::Words, Value::Array(items)) => each(items, &Self::Text, owner, path),
            (Self::List(inner), Value::Array(items)) => each(items, inner, owner, path),
            (Self::TextMap, Value::Object(fields)) => every(fields, &Self::Text, owner, path),
            (Self::Map(inner), Value::Object(fields)) => every(fields, inner, owner, path),
            (Self::Struct(name, known), Value::Object(fields)) => {
                let mut read = Map::new();
                for (key, value) in fields {
                    let exact = known.iter().find(|(field, _)| *field == key);
                    let any = || known.iter().find(|(field, _)| field.eq_ignore_ascii_case(&key));
                    let Some((field, shape)) = exact.or_else(any) else { continue };
                    let path = if path.is_empty() { (*field).to_owned() } else { format!("{path}.{field}") };
                    read.insert((*field).to_owned(), shape.read_at(value, name, &path)?);
                }
                Ok(Value::Object(read))
            }
            (_, value) => refuse(&value, self.name()),
        }
    }
}

fn each(items: Vec<Value>, shape: &Shape, owner: &str, path: &str) -> Result<Value, String> {
    // Go reads null into a text as the empty one.
    let texts = matches!(shape, Shape::Text);
    let items = items.into_iter().map(|item| match shape.read_at(item, owner, path) {
        Ok(Value::Null) if texts => Ok(Value::String(String::new())),
        read => read,
    });
    items.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn every(fields: Map<String, Value>, shape: &Shape, owner: &str, path: &str) -> Result<Value, String> {
    let texts = matches!(shape, Shape::Text);
    let fields = fields.into_iter().map(|(key, value)| {
        let value = shape.read_at(value, owner, path)?;
        Ok((key, if texts && value.is_null() { Value::String(String::new()) } else { value }))
    });
    fields.collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

/// What Go's decoder says.
fn refusal(value: &Value, name: &str, owner: &str, path: &str) -> String {
    let kind = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if name.contains("int") => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    if path.is_empty() {
        return format!("json: cannot unmarshal {kind} into Go value of type {name}");
    }
    let owner = owner.rsplit('.').next().unwrap_or(owner);
    format!("json: cannot unmarshal {kind} into Go struct field {owner}.{path} of type {name}")
}

/// Reads the first value of a text, as Go's decoder does.
///
/// # Errors
/// What Go says of a text that has none.
pub(crate) fn first_value(text: &[u8]) -> Result<Value, String> {
    let mut values = Deserializer::from_slice(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        None => Err("EOF".to_owned()),
        Some(Err(error)) if error.is_eof() => Err("unexpected EOF".to_owned()),
        Some(Err(error)) => Err(unreadable(text, &error)),
    }
}

/// What serde says of a text that ceases to be JSON, and what Go says of the character where it does.
const WORDS: [(&str, &str); 9] = [
    ("expected value", "looking for beginning of value"),
    ("expected `:`", "after object key"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("key must be a string", "looking for beginning of object key string"),
    ("control character", "in string literal"),
    ("invalid escape", "in string escape code"),
    ("invalid number", "in numeric literal"),
    ("trailing characters", "after top-level value"),
];

/// What Go says of a text that ceases to be JSON at some character.
pub(crate) fn unreadable(text: &[u8], error: &serde_json::Error) -> String {
    let said = error.to_string();
    if said.starts_with("recursion limit exceeded") {
        return "exceeded max depth".to_owned();
    }
    let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    // A column of zero is behind the end of the line before.
    let (before, found) = match error.column().checked_sub(1) {
        None => (&line[..0], Some(b'\n')),
        Some(at) => (&line[..at.min(line.len())], line.get(at).copied()),
    };
    let Some(found) = found.filter(|_| error.is_syntax()) else { return said };
    let known = WORDS.iter().find(|(words, _)| said.starts_with(words)).map(|(_, words)| (*words).to_owned());
    let what = match found {
        _ if said.starts_with("expected ident") => within_literal(before),
        b'}' if said.starts_with("trailing comma") => "looking for beginning of object key string".to_owned(),
        _ => known.unwrap_or_else(|| WORDS[0].1.to_owned()),
    };
    format!("invalid character {} {what}", quoted(char::from(found)))
}

/// Which literal a text has begun, and what would come next in it.
fn within_literal(before: &[u8]) -> String {
    let of = |literal: &'static str| (1..literal.len()).find(|len| before.ends_with(&literal.as_bytes()[..*len]));
    let begun = ["true", "false", "null"].into_iter().find_map(|literal| Some((literal, of(literal)?)));
    let (literal, len) = begun.unwrap_or(("null", 1));
    format!("in literal {literal} (expecting {})", quoted(char::from(literal.as_bytes()[len])))
}

/// A character as Go quotes it.
fn quoted(found: char) -> String {
    match found {
        '\'' | '\n' | '\r' | '\t' | '\\' => format!("'{}'", found.escape_default()),
        control if control.is_control() => format!("'\\x{:02x}'", u32::from(control)),
        plain => format!("'{plain}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_refused_in_gos_words() {
        let refused = |text: &str| first_value(text.as_bytes()).unwrap_err();
        assert_eq!(refused(" "), "EOF");
        assert_eq!(refused("{\"a\":"), "unexpected EOF");
        assert_eq!(refused("banana"), "invalid character 'b' looking for beginning of value");
        assert!(first_value(b"{} banana").is_ok(), "what follows is not looked at");
        for (text, said) in [
            ("full", "invalid character 'u' in literal false (expecting 'a')"),
            ("[nul]", "invalid character ']' in literal null (expecting 'l')"),
            ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"\\q\"", "invalid character 'q' in string escape code"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("'a'", "invalid character '\\'' looking for beginning of value"),
            ("\u{1}", "invalid character '\\x01' looking for beginning of value"),
        ] {
            assert_eq!(refused(text), said, "{text}");
        }
        assert_eq!(refused(&"[".repeat(1000)), "exceeded max depth");
    }
}
