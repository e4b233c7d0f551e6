//! What is registered with the API server, as data: which objects, under which conditions, and what happens when
//! nobody answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tollgate_admission::{Kind, Kinds, Treatment, condition};
use tollgate_catalog::Catalog;
use tollgate_catalog::document::BudgetScope;
use tollgate_context::{SCALE, SCALED};

/// A webhook entry of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, which the API server puts before a denial.
    pub name: String,
    /// Whether failure refuses, where the options do not say otherwise.
    pub fails: bool,
    /// What it is called for.
    pub rules: Vec<Rule>,
    /// What must hold besides; the name of each condition and its expression.
    pub conditions: Vec<(&'static str, String)>,
    /// The only namespaces that it is called in; all unless given.
    pub namespaces: Option<BTreeSet<String>>,
}

/// Resources of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resources and subresources.
    pub resources: Vec<String>,
    /// The operations.
    pub operations: Vec<&'static str>,
}

/// What the loaded policies want to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interests {
    /// Kinds as `Kind.group`, or `pods` for everything that makes pods.
    pub kinds: BTreeSet<String>,
    /// Whether any of them edits pods.
    pub mutates: bool,
    /// The table of kinds.
    pub table: Arc<Kinds>,
    /// Where budgets apply.
    pub budgeted: Budgeted,
    /// The namespaces that the site lets off, so that operators come up while Tollgate is down; `*` at the end stands
    /// for any further letters.
    pub let_off: BTreeSet<String>,
}

/// In which namespaces budgets apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Budgeted {
    /// In none: there are no budgets.
    #[default]
    Nowhere,
    /// In these.
    In(BTreeSet<String>),
    /// Perhaps in any: labels decide, or nothing does.
    Anywhere,
}

impl Budgeted {
    fn of<'b>(scopes: impl Iterator<Item = &'b BudgetScope>) -> Self {
        scopes.fold(Self::Nowhere, |known, scope| {
            let names = scope.namespaces.iter().cloned();
            match (known, names.len()) {
                (Self::Anywhere, _) | (_, 0) => Self::Anywhere,
                (Self::Nowhere, _) => Self::In(names.collect()),
                (Self::In(mut known), _) => {
                    known.extend(names);
                    Self::In(known)
                }
            }
        })
    }
}

impl Interests {
    /// Everything: what a configuration without policies that are loaded yet is derived from.
    pub fn everything() -> Self {
        let table = Arc::<Kinds>::default();
        let others = table.rows().iter().filter(|kind| !kind.makes_pods());
        let kinds = others.map(Kind::kind_dot_group).chain(["pods".to_owned()]);
        Self {
            kinds: kinds.collect(),
            mutates: true,
            table,
            budgeted: Budgeted::Nowhere,
            let_off: BTreeSet::new(),
        }
    }

    /// What the policies of a catalog want to see.
    pub fn of(catalog: &Catalog) -> Self {
        let infos = || catalog.entries.iter().map(|entry| &entry.info);
        let budgets = catalog.budgets.iter().map(|charged| &charged.budget);
        let scopes = budgets.map(|budget| &budget.spec.scope);
        Self {
            kinds: infos().flat_map(|info| info.interests.clone()).collect(),
            mutates: infos().any(|info| info.mutates),
            table: Arc::clone(&catalog.kinds),
            budgeted: Budgeted::of(scopes),
            let_off: catalog.let_off().map(str::to_owned).collect(),
        }
    }

    /// Whether any of them wants to see objects of a kind.
    pub fn include(&self, kind: &Kind) -> bool {
        (kind.makes_pods() && self.kinds.contains("pods"))
            || self.kinds.contains(&kind.kind_dot_group())
    }
}

/// How the domain of every entry's name ends.
const DOMAIN: &str = "tollgate.dev";

const NOT_A_MIRROR: &str = "!has(object.metadata.annotations) || !('kubernetes.io/config.mirror' in object.metadata.annotations)";

/// An object that is going must not be held up.
const NOT_GOING: &str = "!has(object.metadata.deletionTimestamp)";

/// The entries of the mutating configuration: new pods.
pub fn mutating(kinds: &[Kind], interests: &Interests) -> Vec<Entry> {
    let pods = kinds.iter().filter(|kind| kind.is_pod());
    let pods = pods.filter(|kind| interests.mutates && interests.include(kind));
    pods.map(|_| Entry {
        name: format!("pods.{DOMAIN}"),
        fails: false,
        rules: vec![rule("", &["pods"], &["CREATE"])],
        conditions: vec![
            ("not-a-mirror", NOT_A_MIRROR.to_owned()),
            ("names-an-accelerator", condition::names_accelerator(&[""])),
        ],
        namespaces: None,
    })
    .collect()
}

/// The entries of the validating configuration: those that refuse on failure, then those that admit.
pub fn validating(kinds: &[Kind], interests: &Interests) -> Vec<Entry> {
    let interesting = || kinds.iter().filter(|kind| interests.include(kind));
    let pods = interesting().any(Kind::is_pod);
    let templates = by_places(interesting().filter(|kind| !kind.is_pod()));
    let mut entries = Vec::new();
    entries.extend(pods.then(accelerator_pods));
    entries.extend(templates.iter().map(|group| template_entry(group, kinds)));
    entries.extend(scale_entry(kinds, interests));
    entries.extend(pods.then(privileged_pods));
    entries.sort_by_key(|entry| !entry.fails);
    entries
}

fn pod_rules() -> Vec<Rule> {
    vec![
        rule("", &["pods"], &["CREATE", "UPDATE"]),
        rule(
            "",
            &["pods/resize", "pods/ephemeralcontainers"],
            &["UPDATE"],
        ),
    ]
}

fn accelerator_pods() -> Entry {
    let mut conditions = pod_conditions();
    conditions.push(("names-an-accelerator", condition::names_accelerator(&[""])));
    Entry {
        name: format!("pods.{DOMAIN}"),
        fails: true,
        rules: pod_rules(),
        conditions,
        namespaces: None,
    }
}

/// Privileged pods that the other entry does not see. There are many that have nothing to do with accelerators,
/// among them what a node needs to come up, so this entry never refuses for want of an answer.
fn privileged_pods() -> Entry {
    let mut conditions = pod_conditions();
    conditions.push(("is-privileged", condition::is_privileged(&[""])));
    conditions.push((
        "names-no-accelerator",
        format!("!({})", condition::names_accelerator(&[""])),
    ));
    Entry {
        name: format!("privileged.pods.{DOMAIN}"),
        fails: false,
        rules: pod_rules(),
        conditions,
        namespaces: None,
    }
}

/// Whoever scales up where budgets apply. What is scaled is not seen here, so all of these kinds are asked about there and
/// nowhere else, and a failure admits: the pods are charged in any case.
fn scale_entry(kinds: &[Kind], interests: &Interests) -> Option<Entry> {
    let namespaces = match &interests.budgeted {
        Budgeted::Nowhere => return None,
        Budgeted::In(names) => Some(names.clone()),
        Budgeted::Anywhere => None,
    };
    if !interests.kinds.contains(SCALE) {
        return None;
    }
    let is_scaled = |kind: &&Kind| SCALED.contains(&kind.kind_dot_group().as_str());
    let scaled = kinds.iter().filter(is_scaled);
    let rules = scaled.map(|kind| {
        let resource = format!("{}/scale", kind.plural);
        rule(&kind.group, &[&resource], &["UPDATE"])
    });
    let replicas = |of: &str| format!("(has({of}.spec.replicas) ? {of}.spec.replicas : 0)");
    Some(Entry {
        name: format!("scale.{DOMAIN}"),
        fails: false,
        rules: rules.collect(),
        conditions: vec![(
            "grows",
            format!("{} > {}", replicas("object"), replicas("oldObject")),
        )],
        namespaces,
    })
}

fn pod_conditions() -> Vec<(&'static str, String)> {
    vec![
        ("not-a-mirror", NOT_A_MIRROR.to_owned()),
        ("not-going", NOT_GOING.to_owned()),
        (
            "changes",
            format!(
                "{} || (!has(oldObject.spec.nodeName) && ({}))",
                changes(&["spec", "metadata.labels"]),
                // Schedulers read them. Of a pod that is bound they say nothing new, and much writes them.
                differs("metadata.annotations"),
            ),
        ),
    ]
}

/// Whether an update touches any of the fields. The condition is true for what is not an update.
fn changes(fields: &[&str]) -> String {
    let differences: Vec<_> = fields.iter().map(|field| differs(field)).collect();
    format!(
        "request.operation != 'UPDATE' || {}",
        differences.join(" || ")
    )
}

fn differs(field: &str) -> String {
    format!(
        "has(object.{field}) != has(oldObject.{field}) || (has(object.{field}) && object.{field} != oldObject.{field})"
    )
}

/// Kinds whose pods stand at the same places and that are treated alike share an entry.
struct Group<'a> {
    fails: bool,
    /// Where the API server finds the pods, if it can.
    places: Option<Vec<&'a str>>,
    kinds: Vec<&'a Kind>,
}

fn by_places<'a>(kinds: impl Iterator<Item = &'a Kind>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for kind in kinds {
        let fails = match kind.treatment {
            Treatment::Fail => true,
            Treatment::Ignore => false,
            Treatment::ReviewOnly => continue,
        };
        let places = kind.plain_places();
        let same = |group: &&mut Group<'a>| group.fails == fails && group.places == places;
        match groups.iter_mut().find(same) {
            Some(group) => group.kinds.push(kind),
            None => groups.push(Group {
                fails,
                places,
                kinds: vec![kind],
            }),
        }
    }
    groups
}

fn template_entry(group: &Group<'_>, all: &[Kind]) -> Entry {
    let Group {
        fails,
        places,
        kinds,
    } = group;
    let mut conditions = vec![("not-going", NOT_GOING.to_owned())];
    conditions.push(("not-made-by-what-was-reviewed", not_controlled(all)));
    if let Some(places) = places.as_ref().filter(|places| !places.is_empty()) {
        conditions.push(("changes", changes(&roots(places))));
        conditions.push(("names-an-accelerator", condition::names_accelerator(places)));
    }
    Entry {
        name: format!("{}.{DOMAIN}", group_name(group)),
        fails: *fails,
        rules: template_rules(kinds),
        conditions,
        namespaces: None,
    }
}

/// The fields of the object that its pods stand in: `spec` for `/spec/template`.
fn roots<'a>(places: &[&'a str]) -> Vec<&'a str> {
    let roots: BTreeSet<_> = places
        .iter()
        .filter_map(|place| place.split('/').nth(1))
        .collect();
    roots.into_iter().collect()
}

/// What a controller of the table makes was judged with the controller.
fn not_controlled(kinds: &[Kind]) -> String {
    let mut by_group = BTreeMap::<&str, Vec<String>>::new();
    for kind in kinds.iter().filter(|kind| kind.is_registered()) {
        let kinds = by_group.entry(&kind.group).or_default();
        kinds.push(format!("'{}'", kind.kind));
    }
    let reviewed = by_group.iter().map(|(group, kinds)| {
        let of_group = match *group {
            "" => "!o.apiVersion.contains('/')".to_owned(),
            group => format!("o.apiVersion.startsWith('{group}/')"),
        };
        format!("({of_group} && o.kind in [{}])", kinds.join(", "))
    });
    let reviewed: Vec<_> = reviewed.collect();
    format!(
        "!has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller && ({}))",
        reviewed.join(" || ")
    )
}

/// The first kind names the entry. The built-in kinds with a template in their spec are a well-known lot.
fn group_name(group: &Group<'_>) -> String {
    match group.kinds.as_slice() {
        _ if group.places.is_none() => match group.fails {
            true => "failing.workloads".to_owned(),
            false => "workloads".to_owned(),
        },
        [one] if one.group.is_empty() => one.plural.clone(),
        [one] => format!("{}.{}", one.plural, one.group),
        [first, ..] if first.group.is_empty() || first.group == "apps" => "templates".to_owned(),
        [first, ..] => format!("{}.{}.templates", first.plural, first.group),
        [] => "nothing".to_owned(),
    }
}

fn template_rules(kinds: &[&Kind]) -> Vec<Rule> {
    let mut by_group = BTreeMap::<&str, Vec<String>>::new();
    for kind in kinds {
        by_group
            .entry(&kind.group)
            .or_default()
            .push(kind.plural.clone());
    }
    let rules = by_group.into_iter().map(|(group, resources)| Rule {
        group: group.to_owned(),
        resources,
        operations: vec!["CREATE", "UPDATE"],
    });
    rules.collect()
}

fn rule(group: &str, resources: &[&str], operations: &[&'static str]) -> Rule {
    Rule {
        group: group.to_owned(),
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
        operations: operations.to_vec(),
    }
}

#[cfg(test)]
mod tests;
