//! JSON values that follow one another.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::{Document, origin::Origin, position::Mark, tree};
use crate::diagnostic::Text;

/// Reads the JSON objects and lists at the beginning of a text. Returns where they end and what
/// follows must be YAML: that is also where JSON is broken, since the YAML reader tells better why,
/// or takes it.
///
/// In a text of one object a line, a broken line does not keep the next ones from being read.
pub(super) fn documents(text: &Arc<Text>, found: &mut Vec<Document>) -> Mark {
    let mut mark = Mark::START;
    loop {
        let Some(rest) = text.content.get(mark.byte..) else {
            return mark;
        };
        let trimmed = rest.trim_start();
        let (space, _) = rest.split_at(rest.len() - trimmed.len());
        let begun = mark.after(space);
        if !trimmed.starts_with(['{', '[']) {
            return mark;
        }
        match value(trimmed) {
            Some((value, length)) => {
                let origin = Origin::new(text.clone(), begun, begun.line);
                found.push(Document {
                    origin,
                    content: Ok(value),
                });
                let (passed, _) = trimmed.split_at(length);
                mark = begun.after(passed);
            }
            None => match line_of_lines(trimmed, begun) {
                Some(line) => {
                    tree::documents(text, begun, begun.byte + line.len(), found);
                    mark = begun.after(line);
                }
                None => return begun,
            },
        }
    }
}

/// The first JSON value and how many bytes it takes, unless it is broken, has a key twice or is
/// nested too deep.
fn value(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Unique>();
    let Unique(value) = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}

/// The first line, where it is one of a text of one object a line.
fn line_of_lines(text: &str, begun: Mark) -> Option<&str> {
    let (line, next) = text.split_once('\n')?;
    (begun.column == 1 && line.starts_with('{') && next.starts_with('{')).then_some(line)
}

/// A JSON value in which no object has a key twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Unique)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key given twice"));
            }
        }
        Ok(Value::Object(object))
    }
}
