//! All documents of a configuration together.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tollgate_admission::Kinds;

use super::{
    Budget, Exemption, Grant, Module, Policy, PolicySpec, PriceBook, Resolved, Site, WorkloadKind,
    files::{self, unreadable},
    nearest::did_you_mean,
    object::{self, Object},
};
use crate::{
    diagnostic::Diagnostic,
    yaml::{self, Origin},
};

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// The built-in policy that charges pods to budgets.
const CHARGING: &str = "gpu-budget";

/// Documents, by kind and name.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// The policies, by name.
    pub policies: BTreeMap<String, PolicyDocument>,
    /// Who is let off which rules, by name.
    pub exemptions: BTreeMap<String, Exemption>,
    /// How much some pods may use together, by name.
    pub budgets: BTreeMap<String, Budget>,
    /// What an hour of a GPU costs, by name.
    pub price_books: BTreeMap<String, PriceBook>,
    /// Further kinds that make pods, by name.
    pub workload_kinds: BTreeMap<String, WorkloadKind>,
    /// What is true of the cluster, where a document says so.
    pub site: Option<SiteDocument>,
    /// The namespaces that documents describe, by name.
    pub namespaces: BTreeMap<String, NamespaceDocument>,
}

/// A document `Policy`.
#[derive(Clone, Debug)]
pub struct PolicyDocument {
    /// Its name.
    pub name: String,
    /// What it says.
    pub spec: PolicySpec,
    /// Where it stands.
    pub origin: Origin,
}

/// The document `Site`.
#[derive(Clone, Debug)]
pub struct SiteDocument {
    /// What it says.
    pub site: Site,
    /// Where it stands.
    pub origin: Origin,
}

/// A document `Namespace`.
#[derive(Clone, Debug)]
pub struct NamespaceDocument {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Where it stands.
    pub origin: Origin,
}

impl Configuration {
    /// Reads the documents of files and folders.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        for path in files::list(paths, &mut reader.wrong) {
            match fs::read(&path) {
                Ok(bytes) => {
                    let folder = path.parent().unwrap_or(Path::new(""));
                    reader.text(&path.display().to_string(), &bytes, folder);
                }
                Err(err) => reader.wrong.push(unreadable(&path, &err)),
            }
        }
        reader.finish()
    }

    /// Reads the documents of a text. `file` is what messages call it; the paths of modules in it
    /// count from `folder`.
    ///
    /// # Errors
    ///
    /// All that is wrong with them.
    pub fn parse(file: &str, bytes: &[u8], folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        let mut reader = Reader::default();
        reader.text(file, bytes, folder);
        reader.finish()
    }

    /// Returns the profile of built-in policies: their names and order, that they may ask about the cluster, and that
    /// one of them may charge budgets.
    pub fn profile<'n>(policies: impl IntoIterator<Item = (&'n str, i32)>) -> Self {
        let policy = |(name, order): (&str, i32)| {
            let module = Some(Module::Builtin {
                name: name.to_owned(),
            });
            let mut grants = BTreeSet::from([Grant::Cluster]);
            grants.extend((name == CHARGING).then_some(Grant::Budget));
            let spec = PolicySpec {
                module,
                order: Some(order),
                grants: Some(grants),
                ..PolicySpec::default()
            };
            let origin = Origin::of_file("default profile");
            (
                name.to_owned(),
                PolicyDocument {
                    name: name.to_owned(),
                    spec,
                    origin,
                },
            )
        };
        Self {
            policies: policies.into_iter().map(policy).collect(),
            ..Self::default()
        }
    }

    /// Returns what holds where these documents stand over others: a policy of the same name
    /// changes only the keys that it gives, and the others stay as they are.
    #[must_use]
    pub fn over(self, profile: Self) -> Self {
        let Self {
            policies,
            exemptions,
            budgets,
            price_books,
            workload_kinds,
            site,
            namespaces,
        } = self;
        let mut merged = profile;
        for (name, document) in policies {
            let document = match merged.policies.remove(&name) {
                Some(base) => PolicyDocument {
                    spec: document.spec.over(base.spec),
                    ..document
                },
                None => document,
            };
            merged.policies.insert(name, document);
        }
        merged.exemptions.extend(exemptions);
        merged.budgets.extend(budgets);
        merged.price_books.extend(price_books);
        merged.workload_kinds.extend(workload_kinds);
        merged.namespaces.extend(namespaces);
        Self {
            site: site.or(merged.site),
            ..merged
        }
    }

    /// Returns the configuration with all defaults in place, the policies in the order in which
    /// they run.
    ///
    /// # Errors
    ///
    /// For each policy that no document gives a module, and each budget whose price book there is not.
    pub fn resolve(self) -> Result<Resolved, Vec<Diagnostic>> {
        let Self {
            policies,
            exemptions,
            budgets,
            price_books,
            workload_kinds,
            site,
            namespaces,
        } = self;
        let known: Vec<_> = with_module(policies.values()).map(str::to_owned).collect();
        let mut resolved = Vec::with_capacity(policies.len());
        let mut wrong = Vec::new();
        for mut document in policies.into_values() {
            match document.spec.module.take() {
                Some(module) => resolved.push(Policy::new(document, module)),
                None => wrong.push(without_module(&document, &known)),
            }
        }
        wrong.extend(
            budgets
                .values()
                .filter_map(|budget| without_prices(budget, &price_books)),
        );
        resolved.sort_by(|left, right| (left.order, &left.name).cmp(&(right.order, &right.name)));
        let (site, site_origin) = site
            .map(|SiteDocument { site, origin }| (site, origin))
            .unzip();
        let namespaces = namespaces
            .into_values()
            .map(|document| (document.name, document.labels))
            .collect();
        wrong.extend(kinds_given_twice(&workload_kinds));
        if wrong.is_empty() {
            let more = workload_kinds.into_values().map(|document| document.kind);
            Ok(Resolved {
                policies: resolved,
                exemptions: exemptions.into_values().map(Arc::new).collect(),
                budgets: budgets.into_values().map(Arc::new).collect(),
                price_books: price_books.into_values().map(Arc::new).collect(),
                kinds: Kinds::builtin().with(more.collect()),
                site: site.unwrap_or_default(),
                site_origin,
                namespaces,
            })
        } else {
            Err(wrong)
        }
    }
}

/// Two documents for one kind would leave it open where its pods are.
fn kinds_given_twice(documents: &BTreeMap<String, WorkloadKind>) -> Vec<Diagnostic> {
    let mut first = BTreeMap::new();
    let twice = documents
        .values()
        .filter_map(|WorkloadKind { name, kind, origin }| {
            let kind = kind.kind_dot_group();
            let other = first.insert(kind.clone(), name)?;
            let message = format!("`{kind}` is described by `{other}` already");
            Some(origin.diagnostic("/spec/kind", message))
        });
    twice.collect()
}

fn with_module<'d>(
    documents: impl Iterator<Item = &'d PolicyDocument>,
) -> impl Iterator<Item = &'d str> {
    documents
        .filter(|document| document.spec.module.is_some())
        .map(|document| document.name.as_str())
}

fn without_module(document: &PolicyDocument, known: &[String]) -> Diagnostic {
    let PolicyDocument { name, origin, .. } = document;
    let meant = did_you_mean(name, known.iter().map(String::as_str));
    let message = format!("`{name}` is no policy of the profile, and gives no `module`{meant}");
    origin
        .diagnostic("/metadata/name", message)
        .with_hint("a policy of your own needs `spec.module`")
}

fn without_prices(budget: &Budget, books: &BTreeMap<String, PriceBook>) -> Option<Diagnostic> {
    let name = budget
        .price_book()
        .filter(|name| !books.contains_key(*name))?;
    let meant = did_you_mean(name, books.keys().map(String::as_str));
    let message = format!("there is no `PriceBook` named `{name}`{meant}");
    Some(budget.origin.diagnostic("/spec/priceBook", message))
}

/// Collects documents, and all that is wrong with them.
#[derive(Default)]
struct Reader {
    read: Configuration,
    wrong: Vec<Diagnostic>,
}

impl Reader {
    fn text(&mut self, file: &str, bytes: &[u8], folder: &Path) {
        for document in yaml::documents(file, bytes) {
            let mut found = Vec::new();
            match document.content {
                Ok(value) => object::read(value, document.origin, &mut found, &mut self.wrong),
                Err(diagnostic) => self.wrong.push(diagnostic),
            }
            for object in found {
                self.add(object, folder);
            }
        }
    }

    fn add(&mut self, object: Object, folder: &Path) {
        let twice = match object {
            Object::Policy(mut document) => {
                document.spec.module = document.spec.module.map(|module| module.within(folder));
                let (name, origin) = (document.name.clone(), document.origin.clone());
                let first = insert(&mut self.read.policies, name.clone(), *document);
                first.map(|first| given_twice(&origin, &format!("policy `{name}`"), &first.origin))
            }
            Object::Exemption(document) => {
                let (name, origin) = (document.name.to_string(), document.origin.clone());
                let first = insert(&mut self.read.exemptions, name.clone(), *document);
                first.map(|first| {
                    given_twice(&origin, &format!("exemption `{name}`"), &first.origin)
                })
            }
            Object::Budget(document) => {
                let (name, origin) = (document.name.to_string(), document.origin.clone());
                let first = insert(&mut self.read.budgets, name.clone(), *document);
                first.map(|first| given_twice(&origin, &format!("budget `{name}`"), &first.origin))
            }
            Object::PriceBook(document) => {
                let (name, origin) = (document.name.to_string(), document.origin.clone());
                let first = insert(&mut self.read.price_books, name.clone(), *document);
                first.map(|first| {
                    given_twice(&origin, &format!("price book `{name}`"), &first.origin)
                })
            }
            Object::WorkloadKind(document) => {
                let (name, origin) = (document.name.clone(), document.origin.clone());
                let first = insert(&mut self.read.workload_kinds, name.clone(), *document);
                first.map(|first| {
                    given_twice(&origin, &format!("workload kind `{name}`"), &first.origin)
                })
            }
            Object::Namespace(document) => {
                let (name, origin) = (document.name.clone(), document.origin.clone());
                let first = insert(&mut self.read.namespaces, name.clone(), document);
                first.map(|first| {
                    given_twice(&origin, &format!("namespace `{name}`"), &first.origin)
                })
            }
            Object::Site(document) => match &self.read.site {
                Some(first) => Some(given_twice(&document.origin, "site", &first.origin)),
                None => {
                    self.read.site = Some(document);
                    None
                }
            },
        };
        self.wrong.extend(twice);
    }

    fn finish(self) -> Result<Configuration, Vec<Diagnostic>> {
        if self.wrong.is_empty() {
            Ok(self.read)
        } else {
            Err(self.wrong)
        }
    }
}

/// Inserts what is new, and returns what is already there.
fn insert<T>(map: &mut BTreeMap<String, T>, name: String, document: T) -> Option<&T> {
    match map.entry(name) {
        Entry::Occupied(first) => Some(first.into_mut()),
        Entry::Vacant(place) => {
            place.insert(document);
            None
        }
    }
}

fn given_twice(origin: &Origin, what: &str, first: &Origin) -> Diagnostic {
    origin.diagnostic(
        "/metadata/name",
        format!("the {what} is given twice, first in {first}"),
    )
}

#[cfg(test)]
mod tests;
