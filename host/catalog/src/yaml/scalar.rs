//! What a scalar means, as `kubectl` understands it.
//!
//! kubectl turns YAML into JSON with the YAML 1.1 rules of go-yaml v2 (`sigs.k8s.io/yaml`,
//! `resolve.go`) before the API server sees it, so those hold here, for the same text must mean the
//! same object:
//!
//! | text | means |
//! |---|---|
//! | `y` `yes` `on` `true`, `n` `no` `off` `false`, as `x`, `X` and `Xx` | a boolean |
//! | nothing, `~`, `null`, `Null`, `NULL` | null |
//! | `0x1f`, `0b11`, `0o17`, `017` | 31, 3, 15, 15 |
//! | `1_000`, `1e3`, `1.0` | 1000, 1000, 1 |
//! | `089`, `18446744073709551616` | a decimal number that is no octal one, a floating-point number |
//! | `2024-01-31`, `12:30:45`, `1.2.3` | text |
//! | `.inf`, `.nan` | refused: JSON cannot say it |
//! | a key of these | its value as text: `on: x` is the key `true` |
//!
//! A tag of another vocabulary (`!Ref`) is passed over, and its scalar is text.

use std::borrow::Cow;

use serde_json::{Number, Value};
use serde_saphyr::granit_parser::{ScalarStyle, Tag};

/// Returns what a scalar means, or why it means nothing.
pub(super) fn resolve(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
) -> Result<Value, String> {
    let word = tag.map(|tag| tag.suffix_in_namespace(VOCABULARY).unwrap_or_default());
    match word.as_deref() {
        None if style == ScalarStyle::Plain => plain(text),
        Some(word @ ("int" | "float" | "bool" | "null")) => tagged(text, word),
        Some("binary") => Err("`!!binary` is not supported: write the value as base64 text".into()),
        _ => Ok(Value::String(text.into_owned())),
    }
}

/// The namespace of the tags that are written `!!`.
const VOCABULARY: &str = "tag:yaml.org,2002:";

fn tagged(text: Cow<'_, str>, word: &str) -> Result<Value, String> {
    let refused = format!("`{text}` is no `!!{word}`");
    let value = plain(text)?;
    let fits = match word {
        "int" => value.is_i64() || value.is_u64(),
        "float" => value.is_number(),
        "bool" => value.is_boolean(),
        _ => value.is_null(),
    };
    if fits { Ok(value) } else { Err(refused) }
}

/// Returns a scalar as the key of a mapping; nothing can be the key that is nothing, a list or a
/// mapping.
pub(super) fn key(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The meaning of a scalar without quotes, told apart by its first letter.
fn plain(text: Cow<'_, str>) -> Result<Value, String> {
    let meaning = match text.as_bytes().first() {
        None => Some(Value::Null),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            word(&text)
        }
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number(&text)?,
        Some(_) => None,
    };
    Ok(meaning.unwrap_or_else(|| Value::String(text.into_owned())))
}

fn word(text: &str) -> Option<Value> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Some(Value::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Some(Value::Bool(false))
        }
        "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        _ => None,
    }
}

fn number(text: &str) -> Result<Option<Value>, String> {
    if matches!(
        text.trim_start_matches(['+', '-']),
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return Err(format!("`{text}` is a number that JSON cannot write"));
    }
    let digits = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    Ok(integer(&digits)
        .or_else(|| decimal(&digits))
        .map(Value::Number))
}

/// An integer in any base that Go's `strconv.ParseInt` tells from its prefix.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match negative {
        false => Some(magnitude.into()),
        true => 0_i64.checked_sub_unsigned(magnitude).map(Number::from),
    }
}

/// A floating-point number; one without a fraction is written as an integer, as Go's JSON has it.
fn decimal(text: &str) -> Option<Number> {
    if !is_decimal(text) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    match value.fract() == 0.0 && value.abs() < 9.2e18 {
        true => Some((value as i64).into()),
        false => Number::from_f64(value),
    }
}

/// Whether a text is `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_decimal(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let lacking = exponent.is_empty() || (whole.is_empty() && fraction.is_empty());
    !lacking && [whole, fraction, exponent].into_iter().all(digits)
}
