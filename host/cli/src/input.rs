//! From paths to what is to be reviewed.

mod lines;
mod namespaces;
mod objects;
mod paths;
mod request;
mod scope;
mod state;

use tollgate_admission::Request;
use tollgate_catalog::Diagnostic;
use tollgate_catalog::yaml::{self, Document, Origin};
use tollgate_context::Snapshot;

use crate::args::InputArgs;
use crate::failure::Failure;
use paths::Source;
use request::Asker;

/// Something to review, or why it cannot be.
#[derive(Debug)]
pub(crate) struct Item {
    /// Where it stands: `file:line`.
    pub(crate) source: String,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    Request(Box<Request>),
    /// Nothing that a cluster would take; why.
    Foreign(String),
    Unreadable(Box<Diagnostic>),
}

/// What is reviewed, and what is known of the cluster.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) items: Vec<Item>,
    pub(crate) snapshot: Snapshot,
}

/// Reads everything that the command line names, in order.
pub(crate) fn read(args: &InputArgs) -> Result<Input, Failure> {
    let asker = Asker::new(args)?;
    let mut items = Vec::new();
    let mut is_empty = true;
    for source in paths::find(&args.paths)? {
        let (bytes, documents) = documents(&source);
        is_empty &= documents.is_empty();
        let objects = documents
            .into_iter()
            .flat_map(|document| objects::of(document, &bytes));
        items.extend(objects.map(|object| asker.ask(object)));
    }
    if is_empty {
        return Err(anyhow::anyhow!("nothing to review: no document in {}", names(args)).into());
    }
    namespaces::label(&mut items);
    let snapshot = state::snapshot(&args.states, &items)?;
    Ok(Input { items, snapshot })
}

/// What is known of the cluster by itself, without anything to review.
pub(crate) fn state(paths: &[std::path::PathBuf]) -> Result<Snapshot, Failure> {
    state::snapshot(paths, &[])
}

/// The bytes of a source, and the documents in them. What cannot be read at all is one unreadable document.
fn documents(source: &Source) -> (Vec<u8>, Vec<Document>) {
    let name = source.name();
    match source.read() {
        Ok(bytes) => {
            let documents = yaml::documents(&name, &bytes);
            (bytes, documents)
        }
        Err(err) => {
            let content = Err(Diagnostic::of_file(
                &*name,
                format!("cannot be read: {err}"),
            ));
            (
                Vec::new(),
                vec![Document {
                    origin: Origin::of_file(&name),
                    content,
                }],
            )
        }
    }
}

fn names(args: &InputArgs) -> String {
    let names: Vec<_> = args
        .paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests;
