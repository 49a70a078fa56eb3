//! `eq`, `lt` and what follows from them, with Go's rules on which types can be compared.

use serde_json::Value;

use super::value::{text, type_name};

const MISSING: &str = "missing argument for comparison";
const INCOMPATIBLE: &str = "incompatible types for comparison";
const INVALID_TYPE: &str = "invalid type for comparison";

/// Whether the first value equals one of the others.
pub(super) fn is_equal_to_any(values: &[&Value]) -> Result<bool, String> {
    let [first, others @ ..] = values else { return Err(MISSING.to_owned()) };
    if others.is_empty() {
        return Err(MISSING.to_owned());
    }
    for other in others {
        if is_equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_equal(a: &Value, b: &Value) -> Result<bool, String> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Ok(a.is_null() && b.is_null()),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            Err(format!("non-comparable type {}: {}", text(a), type_name(a)))
        }
        (Value::Array(_) | Value::Object(_), Value::Array(_) | Value::Object(_)) => {
            Err(format!("non-comparable types {}: {}, {}: {}", text(a), type_name(a), type_name(b), text(b)))
        }
        _ if type_name(a) != type_name(b) => Err(INCOMPATIBLE.to_owned()),
        _ => Ok(a == b),
    }
}

/// Whether `a` comes before `b`. Numbers and strings have an order.
pub(super) fn is_less(a: &Value, b: &Value) -> Result<bool, String> {
    let is_basic = |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    if !is_basic(a) || !is_basic(b) {
        return Err(INVALID_TYPE.to_owned());
    }
    match (a, b) {
        _ if type_name(a) != type_name(b) => Err(INCOMPATIBLE.to_owned()),
        (Value::String(a), Value::String(b)) => Ok(a < b),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Ok(a < b),
            _ => Ok(a.as_f64() < b.as_f64()),
        },
        _ => Err(INVALID_TYPE.to_owned()),
    }
}

/// Whether `a` comes before `b` or equals it.
pub(super) fn is_at_most(a: &Value, b: &Value) -> Result<bool, String> {
    Ok(is_less(a, b)? || is_equal(a, b)?)
}
