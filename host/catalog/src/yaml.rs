//! Texts as streams of YAML or JSON documents, read as `kubectl` reads them.
//!
//! A document that cannot be read becomes a [`Diagnostic`]; the others of its text are read all the
//! same. Documents are parted by `---` and `...` at the beginning of a line, as in YAML itself;
//! JSON values may also follow one another without a mark, as `jq -c` and audit logs write them.
//! Empty documents are left out.
//!
//! What a scalar means follows what kubectl sends to the API server (see `scalar`), and two keys
//! that are equal are an error. Anchors, aliases and merge keys (`<<`) are expanded as far as
//! `COPIES` goes, and nothing is nested deeper than `DEPTH`, so no text can exhaust memory or
//! stack.

mod decode;

mod json;

mod tree;

mod scalar;

mod fault;

mod origin;
pub use origin::Origin;

mod locate;

mod position;

use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::Diagnostic;

/// How deep lists and mappings may be nested; `serde_json` has the same limit.
const DEPTH: usize = 128;

/// How much may be copied to expand the aliases of one document, in bytes of memory as far as they
/// can be told.
const COPIES: usize = 8 << 20;

/// A document of a text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where it stands.
    pub origin: Origin,
    /// What it says, or why it cannot be read.
    pub content: Result<Value, Diagnostic>,
}

/// Reads every document of a text, in order. `file` is what messages call the text.
pub fn documents(file: &str, bytes: &[u8]) -> Vec<Document> {
    let text = match decode::text(file, bytes) {
        Ok(text) => Arc::new(text),
        Err(diagnostic) => {
            return vec![Document {
                origin: Origin::of_file(file),
                content: Err(diagnostic),
            }];
        }
    };
    let mut found = Vec::new();
    let rest = json::documents(&text, &mut found);
    tree::documents(&text, rest, text.content.len(), &mut found);
    found
}

#[cfg(test)]
mod tests;
