//! From documents to objects: lists are taken apart.

use std::str;

use serde_json::{Map, Value};
use tollgate_catalog::Diagnostic;
use tollgate_catalog::yaml::{Document, Origin};

use super::lines;

/// An object, or another value, or why there is none.
#[derive(Debug)]
pub(super) struct Found {
    /// `file:line`
    pub(super) source: String,
    /// The document that it stands in.
    pub(super) origin: Origin,
    /// Its JSON pointer in the document.
    pub(super) pointer: String,
    pub(super) content: Result<Value, Diagnostic>,
}

/// Takes a document apart, as far as it is a list. `bytes` is the text that it stands in.
pub(super) fn of(document: Document, bytes: &[u8]) -> Vec<Found> {
    let Document { origin, content } = document;
    let source = origin.to_string();
    let whole = Found {
        source,
        origin,
        pointer: String::new(),
        content,
    };
    let mut found = Vec::new();
    open(whole, bytes, &mut found);
    found
}

fn open(whole: Found, bytes: &[u8], found: &mut Vec<Found>) {
    let Found {
        source,
        origin,
        pointer,
        content,
    } = whole;
    match content.map(List::from_value) {
        Ok(Ok(List {
            api_version,
            item_kind,
            items,
        })) => {
            let pointer = pointer + "/items";
            let lines = lines_of(&origin, &pointer, bytes);
            for (index, item) in items.into_iter().enumerate() {
                let source = lines
                    .get(index)
                    .map_or(source.clone(), |line| format!("{}:{line}", origin.file()));
                let content = Ok(typed(item, &api_version, item_kind.as_deref()));
                let item = Found {
                    source,
                    origin: origin.clone(),
                    pointer: format!("{pointer}/{index}"),
                    content,
                };
                open(item, bytes, found);
            }
        }
        Ok(Err(value)) => found.push(Found {
            source,
            origin,
            pointer,
            content: Ok(value),
        }),
        Err(diagnostic) => found.push(Found {
            source,
            origin,
            pointer,
            content: Err(diagnostic),
        }),
    }
}

/// A `List`, or a list of one kind such as `PodList`.
struct List {
    api_version: String,
    /// The kind of all items, where the list has one.
    item_kind: Option<String>,
    items: Vec<Value>,
}

impl List {
    /// Takes a list, or gives back what is none.
    fn from_value(value: Value) -> Result<Self, Value> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let (Some(api_version), Some(kind)) = (text("apiVersion"), text("kind")) else {
            return Err(value);
        };
        let (Some(item_kind), Some(Value::Array(_) | Value::Null)) =
            (kind.strip_suffix("List"), value.get("items"))
        else {
            return Err(value);
        };
        let api_version = api_version.to_owned();
        let item_kind = Some(item_kind.to_owned()).filter(|kind| !kind.is_empty());
        let items = match value {
            Value::Object(mut fields) => fields.remove("items"),
            _ => None,
        };
        let items = match items {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        Ok(Self {
            api_version,
            item_kind,
            items,
        })
    }
}

/// Gives an item its type, which the API leaves out where all items of a list are of one kind.
fn typed(item: Value, api_version: &str, kind: Option<&str>) -> Value {
    match (item, kind) {
        (Value::Object(fields), Some(kind))
            if !fields.contains_key("kind") && !fields.contains_key("apiVersion") =>
        {
            let mut whole = Map::new();
            whole.insert("apiVersion".to_owned(), api_version.into());
            whole.insert("kind".to_owned(), kind.into());
            whole.extend(fields);
            Value::Object(whole)
        }
        (item, _) => item,
    }
}

fn lines_of(origin: &Origin, pointer: &str, bytes: &[u8]) -> Vec<usize> {
    let text = str::from_utf8(bytes)
        .ok()
        .map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    text.zip(origin.place(pointer))
        .map_or_else(Vec::new, |(text, place)| lines::of_items(text, &place))
}
