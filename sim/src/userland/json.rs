//! JSON as iproute2 prints it: on one line, or with `-p` over many in its own manner. It writes; it reads none.

use core::fmt::Write as _;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// Nothing: iproute2 writes so what is said by being there.
    Null,
    /// A truth.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A number with a fraction.
    Real(f64),
    /// Hundredths, both digits of them always written.
    Hundredths(u64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Self>),
    /// Values by name, in order.
    Object(Vec<(&'static str, Self)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u16> for Json {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u8> for Json {
    fn from(number: u8) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl Json {
    /// The text with its end of line.
    #[must_use]
    pub fn print(&self, pretty: bool) -> String {
        let mut text = String::new();
        if pretty {
            self.spread(&mut text, 0);
        } else {
            self.pack(&mut text);
        }
        text.push('\n');
        text
    }

    fn pack(&self, text: &mut String) {
        match self {
            Self::List(values) => {
                text.push('[');
                for (at, value) in values.iter().enumerate() {
                    text.push_str(if at == 0 { "" } else { "," });
                    value.pack(text);
                }
                text.push(']');
            }
            Self::Object(fields) => {
                text.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    let _ = write!(text, "{}\"{name}\":", if at == 0 { "" } else { "," });
                    value.pack(text);
                }
                text.push('}');
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Real(_) | Self::Hundredths(_) | Self::Text(_) => {
                self.scalar(text);
            }
        }
    }

    /// iproute2's own manner: a list opens on its line, what is in an object stands on lines of its own.
    fn spread(&self, text: &mut String, depth: usize) {
        match self {
            Self::List(values) => {
                text.push_str("[ ");
                for (at, value) in values.iter().enumerate() {
                    text.push_str(if at == 0 { "" } else { "," });
                    value.spread(text, depth + 1);
                }
                text.push_str(if values.is_empty() { "]" } else { " ]" });
            }
            Self::Object(fields) => {
                text.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    let indent = " ".repeat((depth + 1) * 4);
                    let _ = write!(text, "{}\n{indent}\"{name}\": ", if at == 0 { "" } else { "," });
                    value.spread(text, depth + 1);
                }
                let _ = write!(text, "\n{}}}", " ".repeat(depth * 4));
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Real(_) | Self::Hundredths(_) | Self::Text(_) => {
                self.scalar(text);
            }
        }
    }

    fn scalar(&self, text: &mut String) {
        let _ = match self {
            Self::Null => write!(text, "null"),
            Self::Bool(truth) => write!(text, "{truth}"),
            Self::Number(number) => write!(text, "{number}"),
            Self::Real(number) => text.write_str(&super::real::general(*number, 6)),
            Self::Hundredths(number) => write!(text, "{}.{:02}", number / 100, number % 100),
            Self::Text(said) => write!(text, "\"{}\"", said.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::List(_) | Self::Object(_) => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_objects_are_laid_out_as_iproute2_does() {
        let flags = Json::List(vec!["UP".into(), "LOWER_UP".into()]);
        let object = || Json::Object(vec![("ifindex", 1u32.into()), ("flags", flags.clone())]);
        let all = Json::List(vec![object(), object()]);
        assert_eq!(
            all.print(false),
            "[{\"ifindex\":1,\"flags\":[\"UP\",\"LOWER_UP\"]},{\"ifindex\":1,\"flags\":[\"UP\",\"LOWER_UP\"]}]\n"
        );
        assert_eq!(
            all.print(true),
            "[ {\n        \"ifindex\": 1,\n        \"flags\": [ \"UP\",\"LOWER_UP\" ]\n    },{\n        \
             \"ifindex\": 1,\n        \"flags\": [ \"UP\",\"LOWER_UP\" ]\n    } ]\n"
        );
        assert_eq!((Json::List(vec![]).print(false), Json::List(vec![]).print(true)), ("[]\n".into(), "[ ]\n".into()));
    }
}
