//! Lenient reads of JSON: what is absent, null or of another type is simply not there.

use serde_json::{Map, Value};

/// The object at a field.
pub fn object<'a>(value: &'a Value, field: &str) -> Option<&'a Map<String, Value>> {
    value.get(field)?.as_object()
}

/// The items of the list at a field.
pub fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value
        .get(field)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The text at a field.
pub fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field)?.as_str()
}

/// The text, number or truth at a field, as text: quantities and ports come as either.
pub fn scalar(value: &Value, field: &str) -> Option<String> {
    scalar_text(value.get(field)?)
}

/// A text, number or truth as text.
pub fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The truth at a field; false when absent.
pub fn flag(value: &Value, field: &str) -> bool {
    value
        .get(field)
        .and_then(Value::as_bool)
        .unwrap_or_default()
}

/// The whole number at a field, if it is one and fits.
pub fn integer<T: TryFrom<i64>>(value: &Value, field: &str) -> Option<T> {
    T::try_from(value.get(field)?.as_i64()?).ok()
}

/// A count at a JSON pointer. One that is too large for any cluster counts as the largest.
pub fn count_at(value: &Value, pointer: &str) -> Option<u32> {
    let count = at(value, pointer)?.as_u64()?;
    Some(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The pairs of text at a field.
pub fn pairs(value: &Value, field: &str) -> Vec<(String, String)> {
    let pairs = object(value, field).into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), scalar_text(value)?)))
        .collect()
}

/// The texts of the list at a field.
pub fn texts(value: &Value, field: &str) -> Vec<String> {
    list(value, field).iter().filter_map(scalar_text).collect()
}

/// A key as a JSON pointer token (RFC 6901).
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A JSON pointer token as a key.
pub fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// What is at a JSON pointer. Unlike serde_json's, it makes no texts of the tokens: too dear for what every getter does.
pub(crate) fn at<'a>(root: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(root, step)
}

/// What is at a token of a JSON pointer.
pub(crate) fn step<'a>(at: &'a Value, token: &str) -> Option<&'a Value> {
    match at {
        Value::Array(items) => items.get(token.parse::<usize>().ok()?),
        Value::Object(map) if token.contains('~') => map.get(&unescape(token)),
        Value::Object(map) => map.get(token),
        _ => None,
    }
}

/// What follows a pointer in one at or below it.
pub(crate) fn below<'a>(path: &'a str, above: &str) -> Option<&'a str> {
    path.strip_prefix(above)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
}
