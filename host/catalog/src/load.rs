//! From resolved documents to policies that are ready to run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate_admission::Kinds;
use tollgate_budget::Ledger;
use tollgate_engine::{
    Action, Artifact, Breaker, Bundle, Engine, EntryError, EntrySpec, LoadError, PolicyInfo,
};

use crate::cache::{Cache, seal, unseal};
use crate::document::{
    Exemption, Grant, Isolation, Labels, Limits, Match, Mode, Module, OnFault, Policy, Resolved,
    RuleAction, Site,
};
use crate::yaml::Origin;
use crate::{
    Breakers, Charged, Context, Diagnostic, Namespaces, PlainComponents, Recent, digest, exempt,
};

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
    own_namespace: String,
    is_draft: bool,
    version: String,
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

/// The component of the built-in policies.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The component.
    pub wasm: &'static [u8],
    /// What [`Loader::seal`] made of it, if the binary has that embedded.
    pub artifact: Option<&'static [u8]>,
}

/// Turns configurations into catalogs.
pub struct Loader {
    /// What runs the policies.
    pub engine: Engine,
    /// The built-in policies.
    pub builtin: Builtin,
    /// Where prepared artifacts are kept, if anywhere.
    pub cache: Option<Cache>,
    /// The namespace of Tollgate itself, which is exempt.
    pub own_namespace: String,
    /// What cuts off policies that fault often. Nothing does where every document is to be judged alike.
    pub breakers: Option<Breakers>,
    /// The bundles of the newest catalogs.
    pub recent: Recent,
    /// What is known of the cluster, for all catalogs.
    pub context: Context,
    /// The accounts of budgets, for all catalogs.
    pub ledger: Ledger,
    /// What drafts are made of.
    pub plain: PlainComponents,
}

/// How a catalog is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finish {
    /// What is not prepared yet is compiled for what is configured, which takes seconds.
    Complete,
    /// What is not prepared yet is configured for every review, where its component was compiled before.
    Draft,
}

/// Policies that share the instances of a component.
struct Group {
    component: Component,
    limits: Limits,
    isolation: Isolation,
    policies: Vec<Policy>,
}

#[derive(Clone, PartialEq, Eq)]
enum Component {
    Builtin,
    File(PathBuf),
}

/// A group whose component was read.
struct Ready {
    key: String,
    digest: Arc<str>,
    wasm: Vec<u8>,
    specs: Vec<EntrySpec>,
    limits: tollgate_engine::Limits,
}

/// A bundle, and how it was made.
struct Made {
    bundle: Bundle,
    digest: Arc<str>,
    finish: Finish,
}

impl Loader {
    /// Makes a catalog: reads, checks, configures and compiles every component, or takes what was prepared before.
    ///
    /// # Errors
    ///
    /// All that is wrong with the policies, at their places.
    pub async fn load(&self, resolved: Resolved) -> Result<Catalog, Vec<Diagnostic>> {
        self.assemble(resolved, Finish::Complete).await
    }

    /// Makes a catalog as fast as can be: policies that are not prepared yet are configured for every review, where
    /// [`Self::stock_up`] knows their component. Then the catalog is a draft, to be replaced by what
    /// [`Self::load`] makes of the same.
    ///
    /// # Errors
    ///
    /// All that is wrong with the policies, at their places.
    pub async fn draft(&self, resolved: Resolved) -> Result<Catalog, Vec<Diagnostic>> {
        self.assemble(resolved, Finish::Draft).await
    }

    /// Compiles the components of a configuration as they are, so that changes of it can be drafted.
    pub fn stock_up(&self, resolved: Resolved) {
        let mut components = BTreeMap::new();
        for group in group(resolved.policies).unwrap_or_default() {
            // What cannot be read or compiled has been told by whoever loaded it.
            let Ok(ready) = self.read(&group) else {
                continue;
            };
            let known = self.plain.get(&ready.digest);
            let plain = known.or_else(|| self.engine.compile_plain(&ready.wasm).ok());
            components.extend(plain.map(|plain| (ready.digest, plain)));
        }
        self.plain.replace(components);
    }

    async fn assemble(
        &self,
        resolved: Resolved,
        finish: Finish,
    ) -> Result<Catalog, Vec<Diagnostic>> {
        let version = version(&resolved);
        let Resolved {
            policies,
            exemptions,
            budgets,
            price_books,
            kinds,
            site,
            site_origin,
            namespaces,
        } = resolved;
        let order: Vec<_> = policies.iter().map(|policy| policy.name.clone()).collect();
        let engine_site = Arc::new(engine_site(&site));
        let mut catalog = Catalog {
            entries: Vec::new(),
            bundles: Vec::new(),
            exemptions,
            context: self.context.clone(),
            budgets: budgets
                .into_iter()
                .map(|budget| Charged::of(budget, &price_books))
                .collect(),
            ledger: self.ledger.clone(),
            kinds: Arc::new(kinds),
            policies: order.clone(),
            site,
            site_origin,
            namespaces,
            own_namespace: self.own_namespace.clone(),
            is_draft: false,
            version,
        };
        let mut errors = Vec::new();
        for group in group(policies)? {
            match self.bundle(&group, &engine_site, finish).await {
                Ok(Made {
                    bundle,
                    digest,
                    finish,
                }) => {
                    catalog.is_draft |= finish == Finish::Draft;
                    catalog.add(group, bundle, &digest, self.breakers.as_ref());
                }
                Err(mut found) => errors.append(&mut found),
            }
        }
        let rank = |entry: &Entry| order.iter().position(|name| **name == *entry.name);
        catalog.entries.sort_by_key(rank);
        if errors.is_empty() {
            self.recent.turn();
            Ok(catalog)
        } else {
            Err(errors)
        }
    }

    /// Prepares the built-in policies as a configuration has them, to be embedded in the binary.
    ///
    /// # Errors
    ///
    /// What is wrong with the policies.
    pub async fn seal(&self, resolved: Resolved) -> Result<Vec<u8>, Vec<Diagnostic>> {
        let mut groups = group(resolved.policies)?;
        groups.retain(|group| group.component == Component::Builtin);
        let Some(group) = groups.first() else {
            return Err(vec![Diagnostic::of_file(
                "built-in policies",
                "the configuration uses none of them",
            )]);
        };
        let ready = self.read(group).map_err(|diagnostic| vec![diagnostic])?;
        let artifact = self
            .engine
            .prepare(&ready.wasm, &ready.specs, ready.limits)
            .await;
        let artifact = artifact.map_err(|err| refused(group, err))?;
        seal(&ready.key, &artifact)
            .map_err(|err| vec![Diagnostic::of_file("built-in policies", err.to_string())])
    }

    /// What the policies of a component in a file say of themselves.
    ///
    /// # Errors
    ///
    /// When the component cannot be read or used.
    pub async fn describe(&self, path: &Path) -> Result<Vec<PolicyInfo>, Diagnostic> {
        let at = |message: String| Diagnostic::of_file(path.display().to_string(), message);
        let wasm = read_component(path).map_err(at)?;
        let prepared = self
            .engine
            .prepare(&wasm, &[], tollgate_engine::Limits::default())
            .await;
        prepared
            .map(|artifact| artifact.policies)
            .map_err(|err| at(full_message(&err)))
    }

    async fn bundle(
        &self,
        group: &Group,
        site: &Arc<tollgate_engine::Site>,
        finish: Finish,
    ) -> Result<Made, Vec<Diagnostic>> {
        let ready = self.read(group).map_err(|diagnostic| vec![diagnostic])?;
        let key = digest::of_parts(&[ready.key.as_bytes(), format!("{site:?}").as_bytes()]);
        let made = |bundle, finish| Made {
            bundle,
            digest: Arc::clone(&ready.digest),
            finish,
        };
        let load = |artifact: Artifact| {
            self.engine
                .load(&artifact, &ready.specs, ready.limits, Arc::clone(site))
        };
        let known = self.recent.get(&key);
        if let Some(bundle) = known.or_else(|| load(self.prepared(&ready)?).ok()) {
            self.recent.keep(key, bundle.clone());
            return Ok(made(bundle, Finish::Complete));
        }
        let plain = self.plain.get(&ready.digest);
        if let Some(plain) = plain.filter(|_| finish == Finish::Draft) {
            let artifact = self
                .engine
                .prepare_plain(&plain, &ready.specs, ready.limits)
                .await;
            let bundle = artifact.and_then(load).map_err(|err| refused(group, err))?;
            return Ok(made(bundle, Finish::Draft));
        }
        let bundle = self.make(group, &ready, site).await?;
        self.recent.keep(key, bundle.clone());
        Ok(made(bundle, Finish::Complete))
    }

    async fn make(
        &self,
        group: &Group,
        ready: &Ready,
        site: &Arc<tollgate_engine::Site>,
    ) -> Result<Bundle, Vec<Diagnostic>> {
        let artifact = self
            .engine
            .prepare(&ready.wasm, &ready.specs, ready.limits)
            .await;
        let artifact = artifact.map_err(|err| refused(group, err))?;
        let bundle = self
            .engine
            .load(&artifact, &ready.specs, ready.limits, Arc::clone(site))
            .map_err(|err| refused(group, err))?;
        self.keep(&ready.key, &artifact);
        Ok(bundle)
    }

    fn read(&self, group: &Group) -> Result<Ready, Diagnostic> {
        let wasm = match &group.component {
            Component::Builtin => self.builtin.wasm.to_vec(),
            Component::File(path) => {
                read_component(path).map_err(|message| at_module(group, &message))?
            }
        };
        let specs: Vec<_> = group.policies.iter().map(entry_spec).collect();
        let limits = engine_limits(group.limits);
        let texts: Vec<_> = specs.iter().map(|spec| format!("{spec:?}")).collect();
        let digest = digest::of_component(&wasm);
        let key = digest::of_parts(&[
            digest.as_bytes(),
            self.engine.compatibility().as_bytes(),
            format!("{limits:?}").as_bytes(),
            texts.join("\n").as_bytes(),
        ]);
        Ok(Ready {
            key,
            digest: digest.into(),
            wasm,
            specs,
            limits,
        })
    }

    fn prepared(&self, ready: &Ready) -> Option<Artifact> {
        let embedded = self
            .builtin
            .artifact
            .and_then(|sealed| unseal(&ready.key, sealed));
        embedded.or_else(|| self.cache.as_ref()?.get(&ready.key))
    }

    /// Keeps an artifact for the next start. A full or read-only disk costs that start some time, and nothing else.
    fn keep(&self, key: &str, artifact: &Artifact) {
        if let Some(cache) = &self.cache
            && let Err(err) = cache.put(key, artifact)
        {
            tracing::debug!(%err, "a prepared policy was not kept");
        }
    }
}

impl Catalog {
    fn add(
        &mut self,
        group: Group,
        bundle: Bundle,
        digest: &Arc<str>,
        breakers: Option<&Breakers>,
    ) {
        for (index, policy) in group.policies.into_iter().enumerate() {
            let breaker =
                breakers.map(|breakers| breakers.of(&policy.name, &identity(digest, &policy)));
            let Some(info) = bundle.policy(index).cloned() else {
                continue;
            };
            let Policy {
                name,
                module,
                mode,
                on_fault,
                matching,
                rules,
                grants,
                ..
            } = policy;
            let digest = Arc::clone(digest);
            let bundle = self.bundles.len();
            self.entries.push(Entry {
                name: name.into(),
                module,
                digest,
                mode,
                on_fault,
                matching,
                rules,
                bundle,
                index,
                info,
                may_charge: grants.contains(&Grant::Budget),
                may_ask: grants.contains(&Grant::Cluster),
                breaker,
            });
        }
        self.bundles.push(bundle);
    }
}

/// A digest of what documents say. Namespaces are none of it: in a cluster their labels change without anybody's doing.
fn version(resolved: &Resolved) -> String {
    let Resolved {
        policies,
        exemptions,
        budgets,
        price_books,
        kinds,
        site,
        site_origin: _,
        namespaces: _,
    } = resolved;
    let said =
        format!("{policies:?} {exemptions:?} {budgets:?} {price_books:?} {kinds:?} {site:?}");
    digest::of_parts(&[said.as_bytes()])
}

/// What a policy's faults are counted for: they tell nothing of another component, nor of another configuration.
fn identity(digest: &str, policy: &Policy) -> String {
    let spec = format!("{:?} {:?}", entry_spec(policy), policy.limits);
    digest::of_parts(&[digest.as_bytes(), spec.as_bytes()])
}

/// Puts together the policies that share instances: those of one component with the same limits, unless they ask
/// for an instance of their own.
fn group(policies: Vec<Policy>) -> Result<Vec<Group>, Vec<Diagnostic>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut errors = Vec::new();
    for policy in policies
        .into_iter()
        .filter(|policy| policy.mode != Mode::Off)
    {
        let component = match &policy.module {
            Module::Builtin { .. } => Component::Builtin,
            Module::File { path, .. } => Component::File(path.clone()),
            Module::Oci { .. } => {
                errors.push(policy.origin.diagnostic(
                    "/spec/module",
                    "policies from registries are not supported by this version yet",
                ));
                continue;
            }
        };
        let (limits, isolation) = (policy.limits, policy.isolation);
        let shares = |group: &&mut Group| {
            isolation == Isolation::Bundle
                && group.isolation == Isolation::Bundle
                && group.component == component
                && group.limits == limits
        };
        match groups.iter_mut().find(shares) {
            Some(group) => group.policies.push(policy),
            None => groups.push(Group {
                component,
                limits,
                isolation,
                policies: vec![policy],
            }),
        }
    }
    if errors.is_empty() {
        Ok(groups)
    } else {
        Err(errors)
    }
}

/// Components larger than this are not read: the biggest language runtimes make 20 MB.
const COMPONENT_MAX: u64 = 128 << 20;

fn read_component(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path)
        .map_err(|err| format!("cannot read `{}`: {err}", path.display()))?
        .len();
    if size > COMPONENT_MAX {
        return Err(format!(
            "`{}` has {size} bytes, more than {COMPONENT_MAX}",
            path.display()
        ));
    }
    fs::read(path).map_err(|err| format!("cannot read `{}`: {err}", path.display()))
}

fn entry_spec(policy: &Policy) -> EntrySpec {
    let action = |action: &RuleAction| match action {
        RuleAction::Deny => Action::Deny,
        RuleAction::Warn => Action::Warn,
        RuleAction::Repair => Action::Repair,
        RuleAction::Off => Action::Off,
    };
    EntrySpec {
        name: policy.name.clone(),
        policy: policy.module.policy().to_owned(),
        settings: serde_json::Value::Object(policy.settings.clone()).to_string(),
        rules: policy
            .rules
            .iter()
            .map(|(rule, does)| (rule.clone(), action(does)))
            .collect(),
        patch: policy.grants.contains(&Grant::Patch),
        cluster: policy.grants.contains(&Grant::Cluster),
        budget: policy.grants.contains(&Grant::Budget),
    }
}

fn engine_limits(limits: Limits) -> tollgate_engine::Limits {
    let Limits { time, memory } = limits;
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    tollgate_engine::Limits {
        time,
        memory,
        ..tollgate_engine::Limits::default()
    }
}

fn engine_site(site: &Site) -> tollgate_engine::Site {
    tollgate_engine::Site {
        gpu_models: site.gpu_models.iter().map(ToString::to_string).collect(),
        mig_strategy: site
            .mig_strategy
            .map(|strategy| strategy.as_str().to_owned()),
        sharing: site.sharing.map(|sharing| sharing.as_str().to_owned()),
    }
}

/// What is wrong with the policies of a group, at their places.
fn refused(group: &Group, err: LoadError) -> Vec<Diagnostic> {
    let LoadError::Entries { errors, policies } = err else {
        return vec![at_module(group, &full_message(&err))];
    };
    let at = |error: EntryError| {
        let policy = group.policies.get(error.entry)?;
        let exact = match error.field {
            "settings" => settings_errors(policy, &policies),
            _ => Vec::new(),
        };
        let message = format!("policy `{}`: {}", policy.name, error.message);
        let place = format!("/spec/{}", error.field);
        Some(match exact.is_empty() {
            true => vec![policy.origin.diagnostic(&place, message)],
            false => exact,
        })
    };
    errors.into_iter().filter_map(at).flatten().collect()
}

/// What the schema of a policy's settings says is wrong with them, each at its place: more than the policy's own
/// error tells, which is the first one only.
fn settings_errors(policy: &Policy, policies: &[PolicyInfo]) -> Vec<Diagnostic> {
    let info = policies
        .iter()
        .find(|info| info.name == policy.module.policy());
    let schema = info.and_then(|info| serde_json::from_str(&info.settings_schema).ok());
    schema.map_or_else(Vec::new, |schema| policy.check_settings(&schema))
}

fn at_module(group: &Group, message: &str) -> Diagnostic {
    match group.policies.first() {
        Some(policy) => policy.origin.diagnostic(
            "/spec/module",
            format!("policy `{}`: {message}", policy.name),
        ),
        None => Diagnostic::of_file("configuration", message),
    }
}

/// An error with its causes in one line.
fn full_message(err: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(err.source(), |err| err.source());
    causes.fold(err.to_string(), |text, cause| format!("{text}: {cause}"))
}
