//! The configuration objects of a cluster as they stand, and which version of each is in force.
//!
//! Each object is on its own: a version that cannot be used is refused with its reason, the version before it stays
//! in force, and the others are not touched.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};
use tollgate_catalog::document::{Object, VERSION, read_object};
use tollgate_catalog::yaml::Origin;
use tollgate_catalog::{Configuration, Diagnostic, Module, Resolved};

/// What names an object.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

/// A version of an object.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) spec: Value,
}

/// What became of the newest version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The newest version that was read.
    pub(crate) generation: i64,
    /// The version in force, if one is.
    pub(crate) in_force: Option<i64>,
    /// Why the newest is not in force.
    pub(crate) refused: Option<String>,
}

/// All objects.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<Key, Entry>,
}

#[derive(Debug)]
struct Entry {
    newest: Version,
    read: Result<Object, Vec<Diagnostic>>,
    in_force: Option<(i64, Object)>,
    refused: Option<String>,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Ledger {
    /// Takes note of an object's newest version; tells whether it says something new.
    pub(crate) fn apply(&mut self, key: Key, version: Version) -> bool {
        let before = self.entries.get(&key);
        if before.is_some_and(|entry| {
            entry.newest.uid == version.uid && entry.newest.generation == version.generation
        }) {
            return false;
        }
        let read = read(&key, &version.spec);
        let same_object = self
            .entries
            .remove(&key)
            .filter(|entry| entry.newest.uid == version.uid);
        let in_force = same_object.and_then(|entry| entry.in_force);
        let entry = Entry {
            newest: version,
            read,
            in_force,
            refused: None,
        };
        self.entries.insert(key, entry);
        true
    }

    /// Forgets an object; tells whether it was known.
    pub(crate) fn delete(&mut self, key: &Key) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Forgets all objects of a kind but these; tells whether one was forgotten.
    pub(crate) fn keep_only(&mut self, kind: &str, names: &[String]) -> bool {
        let before = self.entries.len();
        self.entries
            .retain(|key, _| key.kind != kind || names.contains(&key.name));
        self.entries.len() != before
    }

    /// Lets the versions be tried again that were refused for another reason than what they say, such as a component
    /// that could not be read; tells whether there are some.
    pub(crate) fn try_again(&mut self) -> bool {
        let waiting = self
            .entries
            .values_mut()
            .filter(|entry| entry.read.is_ok() && entry.refused.is_some());
        waiting.map(|entry| entry.refused = None).count() > 0
    }

    /// What became of each object.
    pub(crate) fn standings(&self) -> BTreeMap<Key, Standing> {
        let standing = |entry: &Entry| Standing {
            generation: entry.newest.generation,
            in_force: entry.in_force.as_ref().map(|(generation, _)| *generation),
            refused: entry.refused.clone(),
        };
        self.entries
            .iter()
            .map(|(key, entry)| (key.clone(), standing(entry)))
            .collect()
    }

    /// Brings as many of the newest versions into force as can be used. `load` makes ready what a configuration says;
    /// what it gives for the last one that worked is returned.
    ///
    /// # Errors
    ///
    /// When not even the versions in force can be used: then nothing changes.
    pub(crate) async fn settle<T>(
        &mut self,
        profile: &Configuration,
        mut load: impl AsyncFnMut(Resolved) -> Result<T, Vec<Diagnostic>>,
    ) -> Result<T, Vec<Diagnostic>> {
        let mut refused = self.unusable();
        loop {
            let resolved = self.configuration(&refused).over(profile.clone()).resolve();
            let loaded = match resolved {
                Ok(resolved) => load(resolved).await,
                Err(wrong) => Err(wrong),
            };
            match loaded {
                Ok(loaded) => {
                    self.conclude(&refused);
                    return Ok(loaded);
                }
                Err(wrong) => {
                    let blamed = self.blame(&wrong, &refused);
                    if blamed.is_empty() {
                        self.conclude(&self.waiting(&wrong, &refused));
                        return Err(wrong);
                    }
                    refused.extend(blamed);
                }
            }
        }
    }

    /// The objects whose newest version is known to be of no use.
    fn unusable(&self) -> BTreeMap<Key, String> {
        let why = |entry: &Entry| match &entry.read {
            Err(wrong) => Some(in_words(wrong)),
            Ok(_) => entry.refused.clone(),
        };
        self.entries
            .iter()
            .filter_map(|(key, entry)| Some((key.clone(), why(entry)?)))
            .collect()
    }

    /// What is refused, with all that is not in force for want of a configuration that can be loaded.
    fn waiting(
        &self,
        wrong: &[Diagnostic],
        refused: &BTreeMap<Key, String>,
    ) -> BTreeMap<Key, String> {
        let others = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_in_force());
        let mut waiting: BTreeMap<_, _> = others
            .map(|(key, _)| (key.clone(), in_words(wrong)))
            .collect();
        waiting.extend(refused.clone());
        waiting
    }

    /// The newest versions, and of what is refused the one in force.
    fn configuration(&self, refused: &BTreeMap<Key, String>) -> Configuration {
        let mut configuration = Configuration::default();
        for (key, entry) in &self.entries {
            let object = match &entry.read {
                Ok(object) if !refused.contains_key(key) => Some(object),
                _ => entry.in_force.as_ref().map(|(_, object)| object),
            };
            match object.cloned() {
                Some(Object::Policy(document)) => {
                    configuration.policies.insert(key.name.clone(), *document);
                }
                Some(Object::Exemption(document)) => {
                    configuration.exemptions.insert(key.name.clone(), *document);
                }
                Some(Object::Budget(document)) => {
                    configuration.budgets.insert(key.name.clone(), *document);
                }
                Some(Object::PriceBook(document)) => {
                    let (name, book) = (key.name.clone(), *document);
                    configuration.price_books.insert(name, book);
                }
                Some(Object::WorkloadKind(document)) => {
                    configuration
                        .workload_kinds
                        .insert(key.name.clone(), *document);
                }
                Some(Object::Site(document)) => configuration.site = Some(document),
                Some(Object::Namespace(_)) | None => {}
            }
        }
        configuration
    }

    /// Which of the versions that are tried keep the configuration from being loaded. Where nothing tells, all of
    /// them: what is in force has worked before.
    fn blame(
        &self,
        wrong: &[Diagnostic],
        refused: &BTreeMap<Key, String>,
    ) -> BTreeMap<Key, String> {
        let tried =
            |(key, entry): &(&Key, &Entry)| !refused.contains_key(key) && !entry.is_in_force();
        let of = |key: &Key| -> Vec<Diagnostic> {
            let source = key.to_string();
            let own = wrong.iter().filter(|diagnostic| diagnostic.file == source);
            own.cloned().collect()
        };
        let named: BTreeMap<_, _> = self
            .entries
            .iter()
            .filter(tried)
            .map(|(key, _)| (key.clone(), of(key)))
            .filter(|(_, own)| !own.is_empty())
            .map(|(key, own)| (key, in_words(&own)))
            .collect();
        if !named.is_empty() {
            return named;
        }
        let suspects = self.entries.iter().filter(tried);
        suspects
            .map(|(key, _)| (key.clone(), in_words(wrong)))
            .collect()
    }

    fn conclude(&mut self, refused: &BTreeMap<Key, String>) {
        for (key, entry) in &mut self.entries {
            entry.refused = refused.get(key).cloned();
            if let (Ok(object), None) = (&entry.read, &entry.refused) {
                entry.in_force = Some((entry.newest.generation, object.clone()));
            }
        }
    }
}

impl Entry {
    fn is_in_force(&self) -> bool {
        let generation = self.in_force.as_ref().map(|(generation, _)| *generation);
        generation == Some(self.newest.generation)
    }
}

/// Reads an object as a document of a file would be read.
fn read(key: &Key, spec: &Value) -> Result<Object, Vec<Diagnostic>> {
    let Key { kind, name } = key;
    let origin = Origin::of_file(&key.to_string());
    let document =
        json!({"apiVersion": VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec});
    let object = read_object(document, origin)?;
    match &object {
        Object::Policy(document) => match &document.spec.module {
            Some(Module::File { path, .. }) if path.is_relative() => {
                let message = format!("`{}` counts from no folder in a cluster", path.display());
                let wrong = document.origin.diagnostic("/spec/module", message);
                Err(vec![wrong.with_hint(
                    "mount the component into every replica and give its whole path, as `file:/policies/my.wasm#NAME`",
                )])
            }
            _ => Ok(object),
        },
        _ => Ok(object),
    }
}

/// How many errors of one object are told.
const TOLD: usize = 8;

/// The errors of an object as text for its status.
fn in_words(wrong: &[Diagnostic]) -> String {
    let line = |diagnostic: &Diagnostic| {
        let Diagnostic {
            pointer,
            message,
            hint,
            ..
        } = diagnostic;
        let place = match pointer.as_str() {
            "" => String::new(),
            pointer => format!("{pointer}: "),
        };
        let hint = hint.as_ref().map(|hint| format!(" ({hint})"));
        format!("{place}{message}{}", hint.unwrap_or_default())
    };
    let mut lines: Vec<_> = wrong.iter().take(TOLD).map(line).collect();
    if wrong.len() > TOLD {
        lines.push(format!("and {} more", wrong.len() - TOLD));
    }
    lines.join("; ")
}

#[cfg(test)]
mod tests;
