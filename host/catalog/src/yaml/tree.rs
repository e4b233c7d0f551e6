//! The events of the YAML parser as values.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput};

use super::{
    COPIES, DEPTH, Document,
    fault::{Fault, too_deep},
    origin::Origin,
    position::Mark,
    scalar,
};
use crate::diagnostic::Text;

/// How the parser is to run. Comments are of no use here.
pub(super) fn options() -> Options {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEPTH;
    options.block_nesting_limit = DEPTH;
    options
}

/// Reads the documents of a text between two points.
pub(super) fn documents(text: &Arc<Text>, start: Mark, end: usize, found: &mut Vec<Document>) {
    let part = text
        .content
        .get(start.byte..end)
        .filter(|part| !part.trim().is_empty());
    let Some(part) = part else { return };
    let mut parser = Parser::new_from_str_with_options(part, options());
    let mut begun = start;
    // Where the last document ends, as far as it is known: an implicit one begins there.
    let mut ended = Some(start);
    while let Some(event) = parser.next_event() {
        let read = match event {
            Ok((Event::StreamEnd, _)) => return,
            Ok((Event::DocumentStart(explicit, _), span)) => {
                begun = ended
                    .filter(|_| !explicit)
                    .unwrap_or_else(|| start.of(&span));
                Builder::new(&mut parser, part, start).document()
            }
            Ok(_) => continue,
            Err(err) => Err(Fault::of(&err, part, start)),
        };
        ended = read.as_ref().ok().map(|read| read.ended);
        found.extend(document(text, begun, read));
        if ended.is_none() && !matches!(parser.proceed_next_document(), Ok(true)) {
            return;
        }
    }
}

/// What was read of a document.
struct Read {
    value: Value,
    /// Where the first value stands.
    line: usize,
    /// Where the document ends.
    ended: Mark,
}

/// What was read becomes a document, unless it was an empty one.
fn document(text: &Arc<Text>, begun: Mark, read: Result<Read, Fault>) -> Option<Document> {
    match read {
        Ok(Read {
            value: Value::Null, ..
        }) => None,
        Ok(Read { value, line, .. }) => {
            let origin = Origin::new(text.clone(), begun, line);
            Some(Document {
                origin,
                content: Ok(value),
            })
        }
        Err(fault) => {
            let origin = Origin::new(text.clone(), begun, begun.line);
            Some(Document {
                origin,
                content: Err(fault.diagnose(text)),
            })
        }
    }
}

/// Builds one document.
struct Builder<'b, 't> {
    parser: &'b mut Parser<'t, StrInput<'t>>,
    /// What the parser reads, and where in its text that begins.
    read: &'t str,
    start: Mark,
    anchors: HashMap<usize, Anchored>,
    /// What was built so far, in bytes as far as they can be told.
    built: usize,
    /// What of it was copied.
    copied: usize,
}

struct Anchored {
    value: Value,
    size: usize,
}

/// The key of a mapping's entry.
enum Key {
    Name(String),
    /// `<<`
    Merge,
}

/// What a value takes besides its text.
const NODE: usize = 64;

impl<'b, 't> Builder<'b, 't> {
    fn new(parser: &'b mut Parser<'t, StrInput<'t>>, read: &'t str, start: Mark) -> Self {
        Self {
            parser,
            read,
            start,
            anchors: HashMap::new(),
            built: 0,
            copied: 0,
        }
    }

    /// Reads the document whose start was just read.
    fn document(&mut self) -> Result<Read, Fault> {
        let (event, span) = self.next()?;
        let line = self.start.of(&span).line;
        let value = self.node(event, &span, DEPTH)?;
        match self.next()? {
            (Event::DocumentEnd, span) => Ok(Read {
                value,
                line,
                ended: self.start.end(&span),
            }),
            (_, span) => Err(self.fault(&span, "the document has ended before this")),
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(err)) => Err(Fault::of(&err, self.read, self.start)),
            None => Err(self.fault(&Span::default(), "the text ends within a document")),
        }
    }

    fn fault(&self, span: &Span, message: impl Into<String>) -> Fault {
        Fault::new(self.start.place(span), message)
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<Value, Fault> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.fault(span, too_deep()));
        };
        let before = self.built;
        self.built += NODE;
        let (value, anchor) = match event {
            Event::Alias(id) => return self.alias(id, span),
            Event::Scalar(text, style, anchor, tag) => {
                self.built += text.len();
                let value = scalar::resolve(text, style, tag.as_deref());
                (value.map_err(|message| self.fault(span, message))?, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.mapping(depth)?, anchor),
            _ => return Err(self.fault(span, "a value is missing")),
        };
        self.anchor(anchor, &value, self.built - before, span)?;
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                (event, span) => items.push(self.node(event, &span, depth)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut entries = Map::new();
        let mut lines = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(with_merged(entries, merged))),
                key => key,
            };
            let key = self.key(event, &span)?;
            let (event, value_span) = self.next()?;
            let value = self.node(event, &value_span, depth)?;
            match key {
                Key::Merge => self.merge(value, &value_span, &mut merged)?,
                Key::Name(name) if entries.contains_key(&name) => {
                    let first = entries.keys().position(|key| *key == name);
                    let first = first.and_then(|first| lines.get(first).copied());
                    return Err(self.fault(&span, twice(&name, first)));
                }
                Key::Name(name) => {
                    lines.push(self.start.place(&span).line);
                    entries.insert(name, value);
                }
            }
        }
    }

    fn key(&mut self, event: Event<'t>, span: &Span) -> Result<Key, Fault> {
        if matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<") {
            return Ok(Key::Merge);
        }
        let kind = match &event {
            Event::SequenceStart(..) => Some("a list"),
            Event::MappingStart(..) => Some("a mapping"),
            _ => None,
        };
        if let Some(kind) = kind {
            return Err(self.fault(span, format!("a key must be text, not {kind}")));
        }
        match self.node(event, span, DEPTH)? {
            Value::String(name) => Ok(Key::Name(name)),
            other => match scalar::key(&other) {
                Some(name) => Ok(Key::Name(name.into_owned())),
                None => Err(self.fault(span, "a key must be text")),
            },
        }
    }

    /// Takes what `<<` names: a mapping, or a list of mappings of which the first wins.
    fn merge(
        &self,
        value: Value,
        span: &Span,
        merged: &mut Vec<Map<String, Value>>,
    ) -> Result<(), Fault> {
        let parts = match value {
            Value::Array(parts) => parts,
            part => vec![part],
        };
        for part in parts {
            match part {
                Value::Object(entries) => merged.push(entries),
                _ => return Err(self.fault(span, "`<<` takes a mapping or a list of mappings")),
            }
        }
        Ok(())
    }

    fn anchor(&mut self, id: usize, value: &Value, size: usize, span: &Span) -> Result<(), Fault> {
        if id == 0 {
            return Ok(());
        }
        self.copy(size, span)?;
        self.anchors.insert(
            id,
            Anchored {
                value: value.clone(),
                size,
            },
        );
        Ok(())
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<Value, Fault> {
        match self.anchors.get(&id) {
            None => Err(self.fault(span, "an alias within the value that it stands for")),
            Some(&Anchored { size, .. }) => {
                self.copy(size, span)?;
                self.built += size;
                Ok(self
                    .anchors
                    .get(&id)
                    .map(|anchored| anchored.value.clone())
                    .unwrap_or_default())
            }
        }
    }

    fn copy(&mut self, size: usize, span: &Span) -> Result<(), Fault> {
        self.copied += size;
        match self.copied > COPIES {
            true => Err(self.fault(
                span,
                format!("its aliases expand to more than {} MiB", COPIES >> 20),
            )),
            false => Ok(()),
        }
    }
}

fn twice(name: &str, first: Option<usize>) -> String {
    match first {
        Some(line) => format!("the key `{name}` is given twice, first in line {line}"),
        None => format!("the key `{name}` is given twice"),
    }
}

/// Adds what was merged, which never replaces what is there.
fn with_merged(
    mut entries: Map<String, Value>,
    merged: Vec<Map<String, Value>>,
) -> Map<String, Value> {
    for (name, value) in merged.into_iter().flatten() {
        entries.entry(name).or_insert(value);
    }
    entries
}
