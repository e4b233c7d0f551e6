//! From resolved documents to policies that are ready to run.

mod group;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tollgate_engine::{Artifact, Bundle, Engine, EntrySpec, PolicyInfo};

use self::group::{
    Component, Group, at_module, engine_limits, engine_site, entry_spec, full_message, group,
    read_component, refused,
};
use crate::cache::{Cache, seal, unseal};
use crate::document::{Grant, Policy, Resolved};
use crate::{
    Breakers, Catalog, Charged, Context, Diagnostic, Entry, Ledger, PlainComponents, Recent, digest,
};

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
