//! From a component and its configured entries to native code: checked, configured, snapshotted, compiled.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre};
use wasmtime_wizer::Wizer;
use wit_component::ComponentEncoder;

use crate::bindings::exports::tollgate::policy::guest;
use crate::config::CONFIGURE_TIME;
use crate::session::new_store;
use crate::snapshot::Configured;
use crate::state::{Doing, State};
use crate::{Action, Engine, Fault, Limits, PolicyInfo, RuleInfo, Site};

/// A configured use of a policy of a component.
#[derive(Clone, Debug)]
pub struct EntrySpec {
    /// The name of its document.
    pub name: String,
    /// The policy within the component.
    pub policy: String,
    /// The settings, as JSON text of an object.
    pub settings: String,
    /// What rules do where it differs from their default.
    pub rules: Vec<(String, Action)>,
    /// Whether raw patches are granted.
    pub patch: bool,
    /// Whether questions about the cluster are granted.
    pub cluster: bool,
    /// Whether budgets are granted.
    pub budget: bool,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// The index of the entry.
    pub entry: usize,
    /// The key of the document's spec that it is about: `module`, `settings`, `rules` or `grants`.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

/// A component that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is not a valid component.
    #[error("not a valid WebAssembly component")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It imports what a policy may not have.
    #[error(
        "it imports `{import}`, which policies do not have{}",
        import_hint(import)
    )]
    ForeignImport {
        /// The name of the import.
        import: String,
    },
    /// It was built for another version of the contract.
    #[error("it does not fit the contract `tollgate:policy@0.1`: {0}")]
    Contract(String),
    /// It failed while it was described or configured.
    #[error("it failed while it was configured: {0}")]
    Fault(#[from] Fault),
    /// Entries were refused.
    #[error("{} of its entries were refused", errors.len())]
    Entries {
        /// What is wrong with them.
        errors: Vec<EntryError>,
        /// The policies that the component has.
        policies: Vec<PolicyInfo>,
    },
}

fn import_hint(import: &str) -> &'static str {
    match import.starts_with("wasi:") {
        true => {
            ": build without WASI (Rust: target wasm32-unknown-unknown; componentize-js: disableFeatures of all; \
                 componentize-qjs and componentize-py: --stub-wasi)"
        }
        false => ": a policy imports interfaces of `tollgate:policy` only",
    }
}

/// Native code of a component, with what its policies say of themselves. Tied to the engine's version and configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The policies of the component.
    pub policies: Vec<PolicyInfo>,
    /// Whether the entries are configured already, in a snapshot.
    pub configured: bool,
    /// The native code.
    #[serde(skip)]
    pub code: Vec<u8>,
}

/// The native code of a component that is not configured yet. Cheap to clone.
#[derive(Clone)]
pub struct Plain(Arc<[u8]>);

impl Engine {
    /// A word that changes whenever artifacts of one engine do not fit another.
    pub fn compatibility(&self) -> String {
        use std::hash::{Hash as _, Hasher as _};
        let mut hasher = std::hash::DefaultHasher::new();
        self.wasm.precompile_compatibility_hash().hash(&mut hasher);
        format!("{}-{:016x}", env!("CARGO_PKG_VERSION"), hasher.finish())
    }

    /// Checks a component, configures its entries, snapshots the result where that can be done, and compiles it.
    ///
    /// # Errors
    ///
    /// When the component is invalid, imports what it may not, fails, or refuses entries.
    pub async fn prepare(
        &self,
        wasm: &[u8],
        entries: &[EntrySpec],
        limits: Limits,
    ) -> Result<Artifact, LoadError> {
        let wasm = &*as_component(wasm)?;
        match Wizer::new().keep_init_func(true).instrument_component(wasm) {
            Ok((context, instrumented)) => {
                let component = self.compile(&instrumented)?;
                let pre = self.link(&component)?;
                let mut store = new_store(&self.wasm, limits, Arc::new(Site::default()));
                let (instance, policies) = configure(&mut store, &pre, entries).await?;
                let mut configured = Configured {
                    store: &mut store,
                    instance,
                    failed: None,
                };
                let snapshot = Wizer::new()
                    .keep_init_func(true)
                    .snapshot_component(&context, &mut configured)
                    .await;
                if let (Ok(snapshot), None) = (snapshot, configured.failed) {
                    let code = self.compile(&snapshot)?.serialize().map_err(invalid)?;
                    return Ok(Artifact {
                        policies,
                        configured: true,
                        code,
                    });
                }
                self.prepare_without_snapshot(wasm, entries, limits).await
            }
            // A component that cannot be instrumented (nested modules) is configured for every instance.
            Err(_) => self.prepare_without_snapshot(wasm, entries, limits).await,
        }
    }

    async fn prepare_without_snapshot(
        &self,
        wasm: &[u8],
        entries: &[EntrySpec],
        limits: Limits,
    ) -> Result<Artifact, LoadError> {
        let plain = self.compile_plain(wasm)?;
        self.prepare_plain(&plain, entries, limits).await
    }

    /// Compiles a component as it is, whatever will be configured.
    ///
    /// # Errors
    ///
    /// When the component is invalid or imports what it may not.
    pub fn compile_plain(&self, wasm: &[u8]) -> Result<Plain, LoadError> {
        let component = self.compile(&as_component(wasm)?)?;
        Ok(Plain(component.serialize().map_err(invalid)?.into()))
    }

    /// Checks entries and makes an artifact that configures each instance anew: made within milliseconds, where what
    /// [`Self::prepare`] makes has to be compiled first, but slower with every review.
    ///
    /// # Errors
    ///
    /// When the component fails or refuses entries.
    pub async fn prepare_plain(
        &self,
        plain: &Plain,
        entries: &[EntrySpec],
        limits: Limits,
    ) -> Result<Artifact, LoadError> {
        // SAFETY: the code comes from `compile_plain` of this process, and never left it.
        #[expect(unsafe_code, reason = "native code can only be taken on trust")]
        let component = unsafe { Component::deserialize(&self.wasm, &plain.0) };
        let pre = self.link(&component.map_err(invalid)?)?;
        let mut store = new_store(&self.wasm, limits, Arc::new(Site::default()));
        let (_, policies) = configure(&mut store, &pre, entries).await?;
        Ok(Artifact {
            policies,
            configured: false,
            code: plain.0.to_vec(),
        })
    }

    fn compile(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        let component = Component::from_binary(&self.wasm, wasm).map_err(invalid)?;
        self.check_imports(&component)?;
        Ok(component)
    }

    fn check_imports(&self, component: &Component) -> Result<(), LoadError> {
        let ty = component.component_type();
        let foreign = ty
            .imports(&self.wasm)
            .map(|(name, _)| name)
            .find(|name| !name.starts_with("tollgate:policy/"));
        match foreign {
            Some(import) => Err(LoadError::ForeignImport {
                import: import.to_owned(),
            }),
            None => Ok(()),
        }
    }

    pub(crate) fn link(&self, component: &Component) -> Result<InstancePre<State>, LoadError> {
        self.linker
            .instantiate_pre(component)
            .map_err(|err| LoadError::Contract(format!("{err:#}")))
    }
}

/// The first bytes of a core module, which is what compilers make. One that was built against the contract carries
/// a description of it and is made a component here, so that authors need no further tool.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn as_component(wasm: &[u8]) -> Result<Cow<'_, [u8]>, LoadError> {
    if !wasm.starts_with(CORE_MODULE) {
        return Ok(Cow::Borrowed(wasm));
    }
    let mut encoder = ComponentEncoder::default();
    let component = encoder
        .validate(true)
        .module(wasm)
        .and_then(ComponentEncoder::encode);
    component
        .map(Cow::Owned)
        .map_err(|err| LoadError::Invalid(err.into()))
}

fn invalid(err: wasmtime::Error) -> LoadError {
    LoadError::Invalid(err.into())
}

/// Makes an instance, asks it for its policies, checks the entries against them and configures it.
pub(crate) async fn configure(
    store: &mut Store<State>,
    pre: &InstancePre<State>,
    entries: &[EntrySpec],
) -> Result<(wasmtime::component::Instance, Vec<PolicyInfo>), LoadError> {
    store.data_mut().begin(Doing::Configuring, CONFIGURE_TIME);
    let indices =
        guest::GuestIndices::new(pre).map_err(|err| LoadError::Contract(format!("{err:#}")))?;
    let instance = pre
        .instantiate_async(&mut *store)
        .await
        .map_err(|err| fault(store, &err))?;
    let exports = indices
        .load(&mut *store, &instance)
        .map_err(|err| fault(store, &err))?;
    let described = exports
        .call_policies(&mut *store)
        .await
        .map_err(|err| fault(store, &err))?;
    let policies = described
        .into_iter()
        .map(describe)
        .collect::<Result<Vec<_>, _>>()?;
    let wrong: Vec<_> = entries
        .iter()
        .enumerate()
        .flat_map(|(entry, spec)| check_entry(entry, spec, &policies))
        .collect();
    if !wrong.is_empty() {
        return Err(LoadError::Entries {
            errors: wrong,
            policies,
        });
    }
    let wanted: Vec<_> = entries.iter().map(guest_entry).collect();
    match exports
        .call_configure(&mut *store, &wanted)
        .await
        .map_err(|err| fault(store, &err))?
    {
        Ok(()) => Ok((instance, policies)),
        Err(errors) => Err(LoadError::Entries {
            errors: errors.into_iter().map(entry_error).collect(),
            policies,
        }),
    }
}

fn fault(store: &mut Store<State>, err: &wasmtime::Error) -> LoadError {
    LoadError::Fault(Fault::of(err, store.data_mut().said.take()))
}

fn guest_entry(spec: &EntrySpec) -> guest::Entry {
    guest::Entry {
        policy: spec.policy.clone(),
        settings: spec.settings.clone(),
        extra: Vec::new(),
    }
}

fn entry_error(error: guest::EntryError) -> EntryError {
    EntryError {
        entry: usize::try_from(error.entry).unwrap_or(usize::MAX),
        field: "settings",
        message: error.message,
    }
}

fn describe(info: guest::PolicyInfo) -> Result<PolicyInfo, LoadError> {
    let guest::PolicyInfo {
        name,
        version,
        doc,
        mutates,
        validates,
        rules,
        settings_schema,
        grants,
        interests,
        extra: _,
    } = info;
    let rules = rules
        .into_iter()
        .map(|rule| describe_rule(&name, rule))
        .collect::<Result<_, _>>()?;
    Ok(PolicyInfo {
        name,
        version,
        doc,
        mutates,
        validates,
        rules,
        settings_schema,
        grants,
        // Who names no kind means pods.
        interests: match interests.is_empty() {
            true => vec!["pods".to_owned()],
            false => interests,
        },
    })
}

fn describe_rule(policy: &str, rule: guest::RuleInfo) -> Result<RuleInfo, LoadError> {
    let guest::RuleInfo {
        id,
        doc,
        default,
        extra,
    } = rule;
    let said = |wanted: &'static str| {
        let of_key = extra.iter().filter(move |(key, _)| key == wanted);
        of_key.map(|(_, what)| what.clone())
    };
    let (needs, about) = (said("needs").next(), said("about").collect());
    let default = Action::parse(&default).ok_or_else(|| {
        Fault::bad_answer(format!(
            "rule `{id}` of policy `{policy}` has the default `{default}`"
        ))
    })?;
    Ok(RuleInfo {
        id,
        doc,
        default,
        needs,
        about,
    })
}

/// What is wrong with an entry before the component sees it.
fn check_entry(entry: usize, spec: &EntrySpec, policies: &[PolicyInfo]) -> Vec<EntryError> {
    let error = |field, message| EntryError {
        entry,
        field,
        message,
    };
    let Some(info) = policies.iter().find(|info| info.name == spec.policy) else {
        let names: Vec<_> = policies
            .iter()
            .map(|info| format!("`{}`", info.name))
            .collect();
        return vec![error(
            "module",
            format!(
                "the component has no policy `{}`; it has {}",
                spec.policy,
                names.join(", ")
            ),
        )];
    };
    let rules = spec
        .rules
        .iter()
        .filter_map(|(id, action)| match info.rule(id) {
            None => {
                let ids: Vec<_> = info
                    .rules
                    .iter()
                    .map(|rule| format!("`{}`", rule.id))
                    .collect();
                Some(error(
                    "rules",
                    format!(
                        "policy `{}` has no rule `{id}`; it has {}",
                        spec.policy,
                        ids.join(", ")
                    ),
                ))
            }
            Some(rule) if *action == Action::Repair && rule.default != Action::Repair => {
                Some(error(
                    "rules",
                    format!("rule `{id}` cannot repair; it can `deny`, `warn` or be `off`"),
                ))
            }
            Some(_) => None,
        });
    let grant = (info.grants.iter().any(|grant| grant == "patch") && !spec.patch).then(|| {
        error(
            "grants",
            format!(
                "policy `{}` wants the grant `patch`: add `grants: [patch]`",
                spec.policy
            ),
        )
    });
    rules.chain(grant).collect()
}
