//! Policies that are ready to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use tollgate_admission::Kinds;
use tollgate_budget::Ledger;
use tollgate_engine::{Breaker, Bundle, PolicyInfo};

use crate::document::{Exemption, Grant, Labels, Match, Mode, Module, OnFault, RuleAction, Site};
use crate::yaml::Origin;
use crate::{Charged, Context, Namespaces, exempt};

/// The policies of a configuration, ready to run. It never changes: a new configuration is a new catalog.
pub struct Catalog {
    /// The policies that are on, in the order in which they run.
    pub entries: Vec<Entry>,
    /// The components, each with the entries that share its instances.
    pub bundles: Vec<Bundle>,
    /// Who is let off which rules.
    pub exemptions: Vec<Arc<Exemption>>,
    /// What is known of the cluster.
    pub context: Context,
    /// How much some pods may use together, by name.
    pub budgets: Vec<Charged>,
    /// The accounts of the budgets.
    pub ledger: Ledger,
    /// The kinds that make pods.
    pub kinds: Arc<Kinds>,
    /// The names of all policies, those that are off as well.
    pub(crate) policies: Vec<String>,
    pub(crate) site: Site,
    pub(crate) site_origin: Option<Origin>,
    pub(crate) namespaces: Namespaces,
    pub(crate) own_namespace: String,
    pub(crate) is_draft: bool,
    pub(crate) version: String,
}

/// A policy that is on.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name of its document.
    pub name: Arc<str>,
    /// Where its component is.
    pub module: Module,
    /// The digest of its component.
    pub digest: Arc<str>,
    /// What its edits and findings do.
    pub mode: Mode,
    /// What happens to the object when it fails.
    pub on_fault: OnFault,
    /// What it looks at.
    pub matching: Match,
    /// What its rules do, where not their default.
    pub rules: BTreeMap<String, RuleAction>,
    /// Which of the catalog's bundles it is in.
    pub bundle: usize,
    /// Which entry of that bundle it is.
    pub index: usize,
    /// What the policy says of itself.
    pub info: PolicyInfo,
    /// Whether it is granted to charge pods to budgets.
    pub may_charge: bool,
    /// Whether it is granted to ask about the cluster.
    pub may_ask: bool,
    /// What cuts it off when it faults often, where that is wanted.
    pub breaker: Option<Arc<Breaker>>,
}

impl Entry {
    /// Whether it may charge pods to budgets, and wants to.
    pub fn charges(&self) -> bool {
        let grant = Grant::Budget.as_str();
        self.may_charge && self.info.grants.iter().any(|wanted| wanted == grant)
    }

    /// Whether it may ask about the cluster, and wants to.
    pub fn asks(&self) -> bool {
        let grant = Grant::Cluster.as_str();
        self.may_ask && self.info.grants.iter().any(|wanted| wanted == grant)
    }
}

/// A rule that says nothing, since what it needs is not known of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietRule<'a> {
    /// The policy.
    pub policy: &'a str,
    /// The rule within the policy.
    pub rule: &'a str,
    /// What it needs: `nodes`, `schedulers`, or objects of a kind, `Kind.group`.
    pub needs: &'a str,
    /// The kinds that it is about, as `Kind.group`; empty where it is about pods.
    pub about: &'a [String],
}

impl Catalog {
    /// Whether some of its policies run slower than they will in the catalog that [`Loader::load`] makes of the same.
    pub fn is_draft(&self) -> bool {
        self.is_draft
    }

    /// What tells its configuration apart from others: replicas that have read the same have the same.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The names of the policies that are off.
    pub fn off(&self) -> impl Iterator<Item = &str> {
        let is_on = |name: &str| self.entries.iter().any(|entry| *entry.name == *name);
        let names = self.policies.iter().map(String::as_str);
        names.filter(move |name| !is_on(name))
    }

    /// Whether pods of a namespace are left alone.
    pub fn is_exempt(&self, namespace: &str) -> bool {
        exempt::is_exempt(namespace, &self.site, &self.own_namespace)
    }

    /// The namespaces that the site lets off by the names of platforms; `*` at the end stands for any further letters.
    pub fn let_off(&self) -> impl Iterator<Item = &'static str> {
        let platforms = self.site.platforms();
        platforms.flat_map(|platform| platform.namespaces.iter().copied())
    }

    /// The rules that say nothing now, since what they need is not known of the cluster.
    pub fn quiet_rules(&self) -> Vec<QuietRule<'_>> {
        let snapshot = self.context.load();
        let quiet = self.entries.iter().flat_map(|entry| {
            let rules = entry.info.rules.iter();
            let is_on = |id: &str| entry.rules.get(id) != Some(&RuleAction::Off);
            let on = rules.filter(move |rule| is_on(&rule.id));
            on.filter_map(|rule| {
                let needs = rule.needs.as_deref()?;
                Some(QuietRule {
                    policy: &entry.name,
                    rule: &rule.id,
                    needs,
                    about: &rule.about,
                })
            })
        });
        quiet.filter(|quiet| !snapshot.knows(quiet.needs)).collect()
    }

    /// Whether any policy may ask about the cluster.
    pub fn asks(&self) -> bool {
        self.entries.iter().any(Entry::asks)
    }

    /// Whether any policy charges pods to budgets, and accounts are kept.
    pub fn charges(&self) -> bool {
        self.ledger.is_open() && self.entries.iter().any(Entry::charges)
    }

    /// The labels of a namespace, where they are known.
    pub fn labels_of(&self, namespace: &str) -> Option<Arc<Labels>> {
        self.namespaces.labels_of(namespace)
    }
}
