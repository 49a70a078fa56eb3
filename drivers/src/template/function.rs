//! The functions a template can call: those of Go's text/template and those that docker adds. Which arguments each
//! takes and what it makes of them; how arguments are found is not known here. Errors are the texts of Go's functions,
//! panics included.

use serde_json::Value;

use super::print;
use super::value::{Val, is_true, type_name};
use super::{compare, escape};

/// A function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Function {
    And,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Join,
    Js,
    Json,
    Le,
    Len,
    Lower,
    Lt,
    Ne,
    Not,
    Or,
    Pad,
    Print,
    Printf,
    Println,
    Slice,
    Split,
    Title,
    Truncate,
    Upper,
    Urlquery,
}

/// What a parameter accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Param {
    Any,
    Int,
    Strings,
    Text,
}

impl Param {
    /// The Go type.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Int => "int",
            Self::Strings => "[]string",
            Self::Text => "string",
        }
    }

    /// Whether it takes `value`. A list of strings passes for Go's `[]string`, as what docker calls `join` on is one.
    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Int => value.is_i64(),
            Self::Strings => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Text => value.is_string(),
        }
    }
}

/// The parameters of a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) fixed: &'static [Param],
    /// Whether any number of further arguments, of any type, may follow.
    pub(super) variadic: bool,
}

impl Signature {
    /// What the parameter at `at` accepts.
    pub(super) fn param(&self, at: usize) -> Param {
        self.fixed.get(at).copied().unwrap_or(Param::Any)
    }
}

const NAMES: [(&str, Function); 26] = [
    ("and", Function::And),
    ("eq", Function::Eq),
    ("ge", Function::Ge),
    ("gt", Function::Gt),
    ("html", Function::Html),
    ("index", Function::Index),
    ("join", Function::Join),
    ("js", Function::Js),
    ("json", Function::Json),
    ("le", Function::Le),
    ("len", Function::Len),
    ("lower", Function::Lower),
    ("lt", Function::Lt),
    ("ne", Function::Ne),
    ("not", Function::Not),
    ("or", Function::Or),
    ("pad", Function::Pad),
    ("print", Function::Print),
    ("printf", Function::Printf),
    ("println", Function::Println),
    ("slice", Function::Slice),
    ("split", Function::Split),
    ("title", Function::Title),
    ("truncate", Function::Truncate),
    ("upper", Function::Upper),
    ("urlquery", Function::Urlquery),
];

impl Function {
    /// The function of this name. Go's `call` is none: docker's data holds no functions.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }

    /// Its parameters.
    pub(super) fn signature(self) -> Signature {
        use Param::{Any, Int, Strings, Text};
        let (fixed, variadic): (&[Param], bool) = match self {
            Self::Html | Self::Js | Self::Print | Self::Println | Self::Urlquery => (&[], true),
            Self::And | Self::Eq | Self::Index | Self::Or | Self::Slice => (&[Any], true),
            Self::Printf => (&[Text], true),
            Self::Json | Self::Len | Self::Not => (&[Any], false),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => (&[Any, Any], false),
            Self::Lower | Self::Title | Self::Upper => (&[Text], false),
            Self::Join => (&[Strings, Text], false),
            Self::Split => (&[Text, Text], false),
            Self::Pad => (&[Text, Int, Int], false),
            Self::Truncate => (&[Text, Int], false),
        };
        Signature { fixed, variadic }
    }

    /// Whether docker has it give back its first argument when it prints the head of a table, so that a column is
    /// called NAMES and not names.
    pub(super) fn spares_headers(self) -> bool {
        matches!(self, Self::Join | Self::Json | Self::Lower | Self::Split | Self::Title | Self::Truncate | Self::Upper)
    }

    /// Calls it with arguments that fit its signature.
    pub(super) fn call<'d>(self, args: &[Val<'d>]) -> Result<Val<'d>, String> {
        let values: Vec<&Value> = args.iter().map(|arg| &*arg.data).collect();
        let computed: Value = match self {
            Self::And => return Ok(decisive(args, false)),
            Self::Or => return Ok(decisive(args, true)),
            Self::Index => return index(args),
            Self::Eq => compare::is_equal_to_any(&values)?.into(),
            Self::Ne => (!compare::is_equal_to_any(&values)?).into(),
            Self::Lt => compare::is_less(values[0], values[1])?.into(),
            Self::Le => compare::is_at_most(values[0], values[1])?.into(),
            Self::Gt => (!compare::is_at_most(values[0], values[1])?).into(),
            Self::Ge => (!compare::is_less(values[0], values[1])?).into(),
            Self::Html => escape::html(&print::escapable(&values)).into(),
            Self::Js => escape::js(&print::escapable(&values)).into(),
            Self::Urlquery => escape::url_query(&print::escapable(&values)).into(),
            Self::Json => escape::json(values[0]).into(),
            Self::Len => len(&args[0])?.into(),
            Self::Not => (!is_true(values[0])).into(),
            Self::Print => print::print(&values).into(),
            Self::Println => print::println(&values).into(),
            Self::Printf => print::printf(string(values[0]), &values[1..]).into(),
            Self::Slice => slice(&args[0], &values)?,
            Self::Join => join(values[0], string(values[1])).into(),
            Self::Split => split(string(values[0]), string(values[1])),
            Self::Lower => string(values[0]).to_lowercase().into(),
            Self::Upper => string(values[0]).to_uppercase().into(),
            Self::Title => title(string(values[0])).into(),
            Self::Pad => pad(string(values[0]), int(values[1]), int(values[2]))?.into(),
            Self::Truncate => truncate(string(values[0]), int(values[1]))?.into(),
        };
        Ok(Val::of(computed))
    }
}

fn string(value: &Value) -> &str {
    value.as_str().expect("the signature says string")
}

fn int(value: &Value) -> i64 {
    value.as_i64().expect("the signature says int")
}

/// The first argument whose truth is `wanted`, else the last one.
fn decisive<'d>(args: &[Val<'d>], wanted: bool) -> Val<'d> {
    let hit = args.iter().find(|arg| is_true(&arg.data) == wanted).or_else(|| args.last());
    hit.cloned().unwrap_or_else(Val::nothing)
}

fn len(arg: &Val<'_>) -> Result<usize, String> {
    match &*arg.data {
        Value::Null if arg.is_nothing() => Err("reflect: call of reflect.Value.Type on zero Value".to_owned()),
        Value::Null => Err("len of nil pointer".to_owned()),
        Value::String(text) => Ok(text.len()),
        Value::Array(items) => Ok(items.len()),
        Value::Object(entries) => Ok(entries.len()),
        other => Err(format!("len of type {}", type_name(other))),
    }
}

/// `index x 1 2` is Go's `x[1][2]`. What a map of strings, such as labels, does not have is the empty string.
fn index<'d>(args: &[Val<'d>]) -> Result<Val<'d>, String> {
    let [item, keys @ ..] = args else { return Ok(Val::nothing()) };
    if item.data.is_null() {
        return Err("index of untyped nil".to_owned());
    }
    keys.iter().try_fold(item.clone(), |item, key| element(&item, &key.data))
}

fn element<'d>(item: &Val<'d>, key: &Value) -> Result<Val<'d>, String> {
    match &*item.data {
        Value::Null => Err("index of nil pointer".to_owned()),
        Value::Object(entries) => {
            let missing = || if entries.values().all(Value::is_string) { Val::of("") } else { Val::nothing() };
            Ok(item.entry(object_key(key)?).unwrap_or_else(|| Val { boxed: true, ..missing() }))
        }
        Value::Array(items) => {
            let at = position(key, items.len())?;
            item.element(|list| list.get(at)).ok_or_else(|| "reflect: slice index out of range".to_owned())
        }
        Value::String(text) => {
            let at = position(key, text.len())?;
            let byte = text.as_bytes().get(at).ok_or("reflect: string index out of range")?;
            Ok(Val::of(*byte))
        }
        other => Err(format!("can't index item of type {}", type_name(other))),
    }
}

fn object_key(key: &Value) -> Result<&str, String> {
    match key {
        Value::String(key) => Ok(key),
        Value::Null => Err("value is nil; should be of type string".to_owned()),
        other => Err(format!("value has type {}; should be string", type_name(other))),
    }
}

/// An index into something of length `len`. Go lets the length itself pass here.
fn position(key: &Value, len: usize) -> Result<usize, String> {
    match key {
        Value::Null => Err("cannot index slice/array with nil".to_owned()),
        Value::Number(n) if !n.is_f64() => {
            let at = n.as_u64().and_then(|at| usize::try_from(at).ok()).filter(|at| *at <= len);
            at.ok_or_else(|| format!("index out of range: {n}"))
        }
        other => Err(format!("cannot index slice/array with type {}", type_name(other))),
    }
}

/// `slice x 1 3` is Go's `x[1:3]`. A third index, which is the capacity, changes nothing that shows.
fn slice(item: &Val<'_>, values: &[&Value]) -> Result<Value, String> {
    let keys = &values[1..];
    if keys.len() > 3 {
        return Err(format!("too many slice indexes: {}", keys.len()));
    }
    let len = match &*item.data {
        Value::Null => return Err("slice of untyped nil".to_owned()),
        Value::String(_) if keys.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        other => return Err(format!("can't slice item of type {}", type_name(other))),
    };
    let bound = |at: usize, default| keys.get(at).map_or(Ok(default), |key| position(key, len));
    let (start, end) = (bound(0, 0)?, bound(1, len)?);
    let capacity = bound(2, len)?;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    if end > capacity {
        return Err(format!("invalid slice index: {end} > {capacity}"));
    }
    Ok(match &*item.data {
        Value::Array(items) => items[start..end].into(),
        other => String::from_utf8_lossy(&string(other).as_bytes()[start..end]).into(),
    })
}

fn join(items: &Value, separator: &str) -> String {
    let items: Vec<&str> = items.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    items.join(separator)
}

/// Go's `strings.Split`: an empty separator cuts between all characters.
fn split(text: &str, separator: &str) -> Value {
    if separator.is_empty() {
        return text.chars().map(|c| c.to_string()).collect();
    }
    text.split(separator).collect()
}

/// Go's `strings.Title`: a capital at the start of each word, the rest as it is.
fn title(text: &str) -> String {
    let mut previous = ' ';
    let mut titled = String::new();
    for c in text.chars() {
        if is_separator(previous) {
            titled.extend(c.to_uppercase());
        } else {
            titled.push(c);
        }
        previous = c;
    }
    titled
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() { !(c.is_ascii_alphanumeric() || c == '_') } else { c.is_whitespace() }
}

/// White space on both sides of `text`, unless it is empty.
fn pad(text: &str, left: i64, right: i64) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let blanks = |count: i64| usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned());
    Ok(format!("{:left$}{text}{:right$}", "", "", left = blanks(left)?, right = blanks(right)?))
}

/// The first `len` bytes of `text`; a character that would be cut in two is left out.
fn truncate(text: &str, len: i64) -> Result<String, String> {
    let out_of_range = |_| format!("runtime error: slice bounds out of range [:{len}]");
    let mut end = usize::try_from(len).map_err(out_of_range)?.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Ok(text[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(name: &str, args: &[Value]) -> Result<Value, String> {
        let args: Vec<Val<'_>> = args.iter().map(Val::root).collect();
        Function::named(name).expect("the test names a function").call(&args).map(|val| val.data.into_owned())
    }

    #[test]
    fn every_function_has_one_name() {
        for (name, function) in NAMES {
            assert_eq!((Function::named(name), function.name()), (Some(function), name));
        }
        assert_eq!(Function::named("call"), None);
    }

    #[test]
    fn splitting_by_nothing_cuts_between_characters() {
        assert_eq!(call("split", &[json!("aé"), json!("")]), Ok(json!(["a", "é"])));
        assert_eq!(call("split", &[json!(""), json!(",")]), Ok(json!([""])));
    }

    #[test]
    fn a_character_is_not_cut_in_two() {
        assert_eq!(call("truncate", &[json!("aé"), json!(2)]), Ok(json!("a")));
        assert_eq!(call("slice", &[json!("aé"), json!(0), json!(2)]), Ok(json!("a\u{fffd}")));
    }
}
