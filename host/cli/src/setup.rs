//! From the options about configuration to a catalog of policies.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

use tollgate_budget::{Ledger, MemoryStore};
use tollgate_catalog::document::{PolicyDocument, PolicySpec, list_files};
use tollgate_catalog::yaml::Origin;
use tollgate_catalog::{
    Breakers, Builtin, Cache, Catalog, Configuration, Context, Diagnostic, Loader, Mode, Module,
    PlainComponents, Recent, Resolved, exempt,
};
use tollgate_engine::{Engine, EngineOptions, PolicyInfo};

use crate::args::{ConfigArgs, Profile};
use crate::failure::Failure;

/// How many reviews the command line runs at once, with room for several components each.
pub(crate) const INSTANCES: u32 = 16;

/// Makes the catalog that the options name, once.
pub(crate) async fn catalog(args: &ConfigArgs) -> Result<Catalog, Failure> {
    Setup::new(args.clone(), INSTANCES)?.catalog().await
}

/// Makes catalogs of what the options name, as often as it changes.
pub(crate) struct Setup {
    loader: Arc<Loader>,
    args: ConfigArgs,
}

/// What differs where policies are served instead of tried.
pub(crate) struct Serving {
    /// How many instances there are at once.
    pub(crate) instances: u32,
    /// The namespace of Tollgate itself.
    pub(crate) own_namespace: String,
    /// The accounts of budgets.
    pub(crate) ledger: Ledger,
}

impl Setup {
    /// Starts an engine for at most so many reviews at once.
    pub(crate) fn new(args: ConfigArgs, instances: u32) -> Result<Self, Failure> {
        Ok(Self {
            loader: Arc::new(loader(instances)?),
            args,
        })
    }

    /// Starts an engine that cuts off policies that fault often. Only a server has one: what the command line says of
    /// a document must not depend on the documents before it.
    pub(crate) fn serving(args: ConfigArgs, serving: Serving) -> Result<Self, Failure> {
        let Serving {
            instances,
            own_namespace,
            ledger,
        } = serving;
        let loader = Loader {
            breakers: Some(Breakers::default()),
            own_namespace,
            ledger,
            ..loader(instances)?
        };
        Ok(Self {
            loader: Arc::new(loader),
            args,
        })
    }

    /// What makes policies ready.
    pub(crate) fn loader(&self) -> Arc<Loader> {
        Arc::clone(&self.loader)
    }

    /// What configuration stands over.
    pub(crate) fn profile(&self) -> Configuration {
        match self.args.profile {
            Profile::Default => Configuration::profile(tollgate_builtin::POLICIES),
            Profile::None => Configuration::default(),
        }
    }

    /// Reads the configuration and makes its policies ready.
    pub(crate) async fn catalog(&self) -> Result<Catalog, Failure> {
        let resolved = self.resolved().await?;
        self.loader
            .load(resolved)
            .await
            .map_err(Failure::Diagnostics)
    }

    /// The documents that `--config` names.
    pub(crate) fn own(&self) -> Result<Configuration, Failure> {
        Configuration::read(&self.args.configs).map_err(Failure::Diagnostics)
    }

    /// Makes the policies of other documents ready, over the same profile.
    pub(crate) async fn catalog_of(&self, own: Configuration) -> Result<Catalog, Failure> {
        let resolved = own.over(self.profile()).resolve();
        let loaded = self.loader.load(resolved.map_err(Failure::Diagnostics)?);
        loaded.await.map_err(Failure::Diagnostics)
    }

    /// The configuration with every default in place.
    pub(crate) async fn resolved(&self) -> Result<Resolved, Failure> {
        let profile = self.profile();
        let mut configuration = self.own()?.over(profile);
        if !self.args.policies.is_empty() {
            self.keep_only_asked(&mut configuration).await?;
        }
        configuration.resolve().map_err(Failure::Diagnostics)
    }

    /// Prepares the built-in policies as the default profile has them.
    pub(crate) async fn seal(&self) -> Result<Vec<u8>, Failure> {
        self.loader
            .seal(self.resolved().await?)
            .await
            .map_err(Failure::Diagnostics)
    }

    /// What the policies of a component say of themselves.
    pub(crate) async fn describe(
        &self,
        component: &std::path::Path,
    ) -> Result<Vec<PolicyInfo>, Failure> {
        self.loader
            .describe(component)
            .await
            .map_err(|diagnostic| vec![diagnostic].into())
    }

    /// Keeps the policies that `--policy` names: of the configuration, or all of a component's.
    async fn keep_only_asked(&self, configuration: &mut Configuration) -> Result<(), Failure> {
        let mut known = std::mem::take(&mut configuration.policies);
        for asked in &self.args.policies {
            if asked.ends_with(".wasm") {
                let path = PathBuf::from(asked);
                for info in self.describe(&path).await? {
                    let module = Some(Module::File {
                        path: path.clone(),
                        name: info.name.clone(),
                    });
                    let base = known
                        .remove(&info.name)
                        .map(|document| document.spec)
                        .unwrap_or_default();
                    let spec = PolicySpec { module, ..base };
                    let document = PolicyDocument {
                        name: info.name.clone(),
                        spec,
                        origin: Origin::of_file(asked),
                    };
                    configuration.policies.insert(info.name, document);
                }
            } else if let Some(document) = known.remove(asked) {
                configuration.policies.insert(asked.clone(), document);
            } else if !configuration.policies.contains_key(asked) {
                let names: Vec<_> = known.keys().map(String::as_str).collect();
                let diagnostic =
                    Diagnostic::of_file("--policy", format!("no policy is named `{asked}`"));
                let hint = format!(
                    "the configuration has {}; a component is named by its file, `….wasm`",
                    names.join(", ")
                );
                return Err(vec![diagnostic.with_hint(hint)].into());
            }
        }
        // The others stay known, so that what names them is not taken for misspelt.
        for (name, document) in known {
            let spec = PolicySpec {
                mode: Some(Mode::Off),
                ..document.spec
            };
            let document = PolicyDocument { spec, ..document };
            if document.spec.module.is_some() {
                configuration.policies.insert(name, document);
            }
        }
        Ok(())
    }

    /// A number that changes whenever the content of the configuration's files or components does.
    pub(crate) async fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let files = list_files(&self.args.configs, &mut Vec::new());
        let components = match self.resolved().await {
            Ok(resolved) => resolved
                .policies
                .into_iter()
                .filter_map(|policy| match policy.module {
                    Module::File { path, .. } => Some(path),
                    _ => None,
                })
                .collect(),
            Err(_) => Vec::new(),
        };
        for path in files.into_iter().chain(components) {
            path.hash(&mut hasher);
            fs::read(path).ok().hash(&mut hasher);
        }
        hasher.finish()
    }
}

fn loader(instances: u32) -> Result<Loader, Failure> {
    let engine = Engine::new(EngineOptions { instances }).map_err(anyhow::Error::from)?;
    let builtin = Builtin {
        wasm: tollgate_builtin::BUNDLE,
        artifact: tollgate_builtin::ARTIFACT,
    };
    let cache = Cache::default_folder().and_then(|folder| match Cache::open(&folder) {
        Ok(cache) => Some(cache),
        Err(err) => {
            tracing::debug!(%err, "prepared policies are not kept");
            None
        }
    });
    Ok(Loader {
        engine,
        builtin,
        cache,
        own_namespace: exempt::OWN.to_owned(),
        breakers: None,
        recent: Recent::default(),
        context: Context::default(),
        ledger: Ledger::open(Arc::new(MemoryStore::default()), "tollgate".to_owned()),
        plain: PlainComponents::default(),
    })
}
