//! Tollgate's webhook configurations, made of entries and options.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MatchCondition, MutatingWebhook, MutatingWebhookConfiguration, RuleWithOperations,
    ServiceReference, ValidatingWebhook, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    LabelSelector, LabelSelectorRequirement, ObjectMeta, OwnerReference,
};
use tollgate_admission::Kind;

use crate::entry::{self, Entry, Interests, Rule};

/// The name of both configurations, of the Secret and of the Lease.
pub const NAME: &str = "tollgate";

/// On both configurations after `tollgate fail-open`: the entries that admit where they would refuse, by comma.
/// While it is there, nobody makes an entry refuse again.
pub const FAIL_OPEN: &str = "tollgate.dev/fail-open";

/// On both configurations while they are uninstalled: then nobody brings them back.
pub const UNINSTALLED: &str = "tollgate.dev/uninstalled";

/// Namespaces that must work whatever becomes of Tollgate.
pub(crate) const NEVER: [&str; 2] = ["kube-system", "kube-node-lease"];

/// The label with a namespace's own name, which the API server sets.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Where the API server finds the webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Service.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port.
        port: u16,
    },
    /// An address from `https://` to the port.
    Url(String),
}

/// Who says which authorities the API server trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bundle {
    /// We do: certificates in PEM.
    Published(String),
    /// The injector of cert-manager does, out of this Certificate (`namespace/name`).
    Injected(String),
}

/// What happens to an object that an entry for accelerators is asked about when nobody answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It is refused.
    #[default]
    Fail,
    /// It is admitted.
    Ignore,
}

/// How Tollgate is registered.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Whom to trust.
    pub bundle: Bundle,
    /// The namespace that it runs in, which it leaves alone.
    pub own_namespace: String,
    /// Further namespaces that are left alone.
    pub exclude_namespaces: Vec<String>,
    /// For the first steps of a roll-out: all other namespaces are left alone. None for no such bound.
    pub only_namespaces: Vec<String>,
    /// What failure means to pods and templates with accelerators.
    pub failure_policy: FailurePolicy,
    /// How long the API server waits for an answer, in seconds.
    pub timeout_seconds: u16,
    /// What the configurations vanish with.
    pub owner: Option<OwnerReference>,
}

/// Both configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct Configurations {
    /// For `/mutate`.
    pub mutating: MutatingWebhookConfiguration,
    /// For `/validate`.
    pub validating: ValidatingWebhookConfiguration,
}

impl Registration {
    /// The configurations for these kinds and interests.
    pub fn configurations(&self, kinds: &[Kind], interests: &Interests) -> Configurations {
        let mutating = entry::mutating(kinds, interests);
        let validating = entry::validating(kinds, interests);
        let let_off = LetOff::of(interests);
        Configurations {
            mutating: MutatingWebhookConfiguration {
                metadata: self.metadata(),
                webhooks: Some(
                    mutating
                        .iter()
                        .map(|entry| self.mutating(entry, &let_off))
                        .collect(),
                ),
            },
            validating: ValidatingWebhookConfiguration {
                metadata: self.metadata(),
                webhooks: Some(
                    validating
                        .iter()
                        .map(|entry| self.validating(entry, &let_off))
                        .collect(),
                ),
            },
        }
    }

    fn metadata(&self) -> ObjectMeta {
        let labels = [
            ("app.kubernetes.io/name", "tollgate"),
            ("app.kubernetes.io/managed-by", "tollgate"),
        ];
        let annotations = match &self.bundle {
            Bundle::Published(_) => None,
            Bundle::Injected(certificate) => Some(BTreeMap::from([(
                "cert-manager.io/inject-ca-from".to_owned(),
                certificate.clone(),
            )])),
        };
        ObjectMeta {
            name: Some(NAME.to_owned()),
            labels: Some(owned(&labels)),
            annotations,
            owner_references: self.owner.clone().map(|owner| vec![owner]),
            ..ObjectMeta::default()
        }
    }

    fn mutating(&self, entry: &Entry, let_off: &LetOff<'_>) -> MutatingWebhook {
        MutatingWebhook {
            name: entry.name.clone(),
            admission_review_versions: vec!["v1".to_owned()],
            client_config: self.client("/mutate"),
            failure_policy: Some(self.failure(entry).to_owned()),
            match_conditions: Some(conditions(entry, let_off)),
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: Some(self.namespaces(entry, let_off)),
            object_selector: Some(LabelSelector::default()),
            reinvocation_policy: Some("IfNeeded".to_owned()),
            rules: Some(rules(entry)),
            side_effects: "NoneOnDryRun".to_owned(),
            timeout_seconds: Some(i32::from(self.timeout_seconds)),
        }
    }

    fn validating(&self, entry: &Entry, let_off: &LetOff<'_>) -> ValidatingWebhook {
        ValidatingWebhook {
            name: entry.name.clone(),
            admission_review_versions: vec!["v1".to_owned()],
            client_config: self.client("/validate"),
            failure_policy: Some(self.failure(entry).to_owned()),
            match_conditions: Some(conditions(entry, let_off)),
            match_policy: Some("Equivalent".to_owned()),
            namespace_selector: Some(self.namespaces(entry, let_off)),
            object_selector: Some(LabelSelector::default()),
            rules: Some(rules(entry)),
            side_effects: "NoneOnDryRun".to_owned(),
            timeout_seconds: Some(i32::from(self.timeout_seconds)),
        }
    }

    fn failure(&self, entry: &Entry) -> &'static str {
        match self.failure_policy {
            FailurePolicy::Fail if entry.fails => "Fail",
            FailurePolicy::Fail | FailurePolicy::Ignore => "Ignore",
        }
    }

    fn client(&self, path: &str) -> WebhookClientConfig {
        let ca_bundle = match &self.bundle {
            Bundle::Published(bundle) => Some(ByteString(bundle.clone().into_bytes())),
            Bundle::Injected(_) => None,
        };
        let (service, url) = match &self.endpoint {
            Endpoint::Service {
                namespace,
                name,
                port,
            } => {
                let service = ServiceReference {
                    namespace: namespace.clone(),
                    name: name.clone(),
                    path: Some(path.to_owned()),
                    port: Some(i32::from(*port)),
                };
                (Some(service), None)
            }
            Endpoint::Url(base) => (None, Some(format!("{}{path}", base.trim_end_matches('/')))),
        };
        WebhookClientConfig {
            ca_bundle,
            service,
            url,
        }
    }

    /// By name, never by a label that the owner of a namespace can set.
    fn namespaces(&self, entry: &Entry, let_off: &LetOff<'_>) -> LabelSelector {
        let mut never: Vec<_> = NEVER.map(str::to_owned).to_vec();
        let own = [&self.own_namespace].into_iter();
        let others = own.chain(&self.exclude_namespaces).map(String::as_str);
        for namespace in others.chain(let_off.names.iter().copied()) {
            if !never.iter().any(|known| known == namespace) {
                never.push(namespace.to_owned());
            }
        }
        let mut requirements = vec![requirement("NotIn", never)];
        if !self.only_namespaces.is_empty() {
            requirements.push(requirement("In", self.only_namespaces.clone()));
        }
        if let Some(only) = &entry.namespaces {
            requirements.push(requirement("In", only.iter().cloned().collect()));
        }
        LabelSelector {
            match_expressions: Some(requirements),
            match_labels: None,
        }
    }
}

impl Endpoint {
    /// The names under which the API server calls, which a certificate must have.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Service {
                namespace, name, ..
            } => vec![format!("{name}.{namespace}.svc")],
            Self::Url(url) => vec![host(url).to_owned()],
        }
    }
}

/// The host of `https://HOST:PORT`, without the brackets of an IPv6 address.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn requirement(operator: &str, values: Vec<String>) -> LabelSelectorRequirement {
    LabelSelectorRequirement {
        key: NAMESPACE_NAME.to_owned(),
        operator: operator.to_owned(),
        values: Some(values),
    }
}

/// The namespaces that the site lets off.
struct LetOff<'i> {
    names: Vec<&'i str>,
    /// What whole families of names begin with. No selector of labels knows such.
    beginnings: Vec<&'i str>,
}

impl<'i> LetOff<'i> {
    fn of(interests: &'i Interests) -> Self {
        let (mut names, mut beginnings) = (Vec::new(), Vec::new());
        for namespace in &interests.let_off {
            match namespace.strip_suffix('*') {
                Some(beginning) => beginnings.push(beginning),
                None => names.push(namespace.as_str()),
            }
        }
        Self { names, beginnings }
    }

    /// True in all other namespaces, and of what is in none.
    fn condition(&self) -> Option<MatchCondition> {
        let begins = |beginning: &&str| format!("request.namespace.startsWith('{beginning}')");
        let begins: Vec<_> = self.beginnings.iter().map(begins).collect();
        (!begins.is_empty()).then(|| MatchCondition {
            name: "not-let-off".to_owned(),
            expression: format!("!has(request.namespace) || !({})", begins.join(" || ")),
        })
    }
}

fn conditions(entry: &Entry, let_off: &LetOff<'_>) -> Vec<MatchCondition> {
    let condition = |(name, expression): &(&str, String)| MatchCondition {
        name: (*name).to_owned(),
        expression: expression.clone(),
    };
    let conditions = let_off.condition().into_iter();
    conditions
        .chain(entry.conditions.iter().map(condition))
        .collect()
}

fn rules(entry: &Entry) -> Vec<RuleWithOperations> {
    let rule = |rule: &Rule| RuleWithOperations {
        api_groups: Some(vec![rule.group.clone()]),
        api_versions: Some(vec!["*".to_owned()]),
        operations: Some(rule.operations.iter().map(|it| (*it).to_owned()).collect()),
        resources: Some(rule.resources.clone()),
        // Node pools are in no namespace. What refuses on failure must not ask about anything like them.
        scope: Some(if entry.fails { "Namespaced" } else { "*" }.to_owned()),
    };
    entry.rules.iter().map(rule).collect()
}

fn owned(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
