//! Keeps Tollgate registered: every replica watches the configurations and the Secret; the leader makes them what
//! they should be, on every change of theirs and on a timer.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::pending;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tollgate_webhook::{AuthorityError, Pair, Registered, Trust};
use tracing::{info, warn};

use crate::authority::{Keys, Terms};
use crate::bundle;
use crate::clock::Clock;
use crate::entry::Interests;
use crate::registration::{
    Bundle, Endpoint, FAIL_OPEN, FailurePolicy, NAME, Registration, UNINSTALLED,
};
use crate::watch::{Change, follow_one};

/// The name of the Secret with the keys.
pub const SECRET: &str = "tollgate-tls";

/// How often the leader looks though nothing has changed: time passes, and a watch may have missed something.
const EVERY: Duration = Duration::from_secs(30);
/// How long the leader waits between two looks, whatever happens: somebody else may want the objects otherwise.
const PAUSE: Duration = Duration::from_millis(500);
/// When the leader tries again after it failed.
const RETRY: Duration = Duration::from_secs(3);

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// We make it, and publish who vouches for it.
    Own,
    /// Files on every replica; who vouches for them is in this one, in PEM.
    Files(PathBuf),
    /// Files of a Certificate (`namespace/name`) of cert-manager, which also publishes who vouches for them.
    CertManager(String),
}

/// What is kept, and how.
#[derive(Clone)]
pub struct Options {
    /// Where the API server finds us.
    pub endpoint: Endpoint,
    /// Where the certificate comes from.
    pub certificates: Certificates,
    /// How long keys are valid.
    pub terms: Terms,
    /// By whose time.
    pub clock: Clock,
    /// Our own namespace.
    pub namespace: String,
    /// Further namespaces that are left alone.
    pub exclude_namespaces: Vec<String>,
    /// The namespaces of a roll-out that begins; none for all.
    pub only_namespaces: Vec<String>,
    /// What failure means to pods and templates with accelerators.
    pub failure_policy: FailurePolicy,
    /// How long the API server waits for an answer, in seconds.
    pub timeout_seconds: u16,
    /// The ClusterRole that the configurations vanish with, where it exists.
    pub cluster_role: Option<String>,
}

/// Why the leader cannot keep Tollgate registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrarError {
    /// The API server refuses or is away.
    #[error("the API server did not take `{object}`")]
    Api {
        /// The object.
        object: &'static str,
        /// What it says.
        #[source]
        source: kube::Error,
    },
    /// No certificate can be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The bundle of `Certificates::Files` cannot be read.
    #[error("`{}` cannot be read", path.display())]
    Bundle {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

const MUTATING: &str = "MutatingWebhookConfiguration";
const VALIDATING: &str = "ValidatingWebhookConfiguration";

/// When to look next.
struct Agenda {
    /// Something happened.
    due: bool,
    /// Not before this.
    earliest: Instant,
    /// At this, even if nothing happens.
    latest: Instant,
}

impl Agenda {
    fn new(now: Instant) -> Self {
        Self {
            due: false,
            earliest: now,
            latest: now,
        }
    }

    fn next(&self) -> Instant {
        if self.due { self.earliest } else { self.latest }
    }

    /// Whether it is time, after something happened or the time came.
    fn is_due(&mut self, acts: bool, now: Instant) -> bool {
        self.due = acts;
        if !acts {
            self.latest = now + EVERY;
        }
        acts && now >= self.earliest
    }

    fn done(&mut self, succeeded: bool, now: Instant) {
        self.due = false;
        self.earliest = now + PAUSE;
        self.latest = now + if succeeded { EVERY } else { RETRY };
    }
}

/// What every replica learns.
pub struct Learned {
    /// The certificate to serve, where we make it.
    pub pair: watch::Receiver<Option<Pair>>,
    /// What the API server trusts.
    pub trust: watch::Receiver<Trust>,
    /// What the API server knows of us.
    pub registered: watch::Receiver<Registered>,
}

/// Watches and keeps.
pub struct Registrar {
    client: Client,
    options: Options,
    pair: watch::Sender<Option<Pair>>,
    trust: watch::Sender<Trust>,
    registered: watch::Sender<Registered>,
    found: Found,
}

/// The objects as they were seen last.
#[derive(Default)]
struct Found {
    secret: Option<Secret>,
    mutating: Option<MutatingWebhookConfiguration>,
    validating: Option<ValidatingWebhookConfiguration>,
    /// They were taken away on purpose.
    uninstalled: bool,
}

impl Found {
    fn registered(&self) -> Registered {
        Registered {
            is_complete: self.mutating.is_some() && self.validating.is_some(),
            fails_open: self.validating.as_ref().is_some_and(is_softened),
        }
    }
}

enum Seen {
    Secret(Option<Secret>),
    Mutating(Option<MutatingWebhookConfiguration>),
    Validating(Option<ValidatingWebhookConfiguration>),
}

impl Seen {
    fn name(&self) -> &'static str {
        match self {
            Self::Secret(_) => SECRET,
            Self::Mutating(_) => MUTATING,
            Self::Validating(_) => VALIDATING,
        }
    }
}

impl Registrar {
    /// Nothing is watched until it runs.
    pub fn new(client: Client, options: Options) -> (Self, Learned) {
        let trust = Trust {
            bundle: String::new(),
            names: options.endpoint.names(),
        };
        let (pair, pairs) = watch::channel(None);
        let (trust, trusts) = watch::channel(trust);
        let (registered, registereds) = watch::channel(Registered::default());
        let registrar = Self {
            client,
            options,
            pair,
            trust,
            registered,
            found: Found::default(),
        };
        let learned = Learned {
            pair: pairs,
            trust: trusts,
            registered: registereds,
        };
        (registrar, learned)
    }

    /// Runs until it is dropped. While `leads` is true, this replica makes the objects what they should be. Until it
    /// is known what interests the policies, nothing is registered: then nobody could answer yet.
    pub async fn run(
        self,
        leads: watch::Receiver<bool>,
        interests: watch::Receiver<Option<Interests>>,
    ) {
        let (tell, seen) = mpsc::unbounded_channel();
        let own = self.options.certificates == Certificates::Own;
        let mut unseen = BTreeSet::from([MUTATING, VALIDATING]);
        unseen.extend(own.then_some(SECRET));
        let secrets = Api::namespaced(self.client.clone(), &self.options.namespace);
        let secret = async {
            match own {
                true => watch_one(SECRET, SECRET, secrets, &tell, Seen::Secret).await,
                false => pending().await,
            }
        };
        let mutating = Api::all(self.client.clone());
        let validating = Api::all(self.client.clone());
        tokio::select! {
            never = secret => match never {},
            never = watch_one(MUTATING, NAME, mutating, &tell, Seen::Mutating) => match never {},
            never = watch_one(VALIDATING, NAME, validating, &tell, Seen::Validating) => match never {},
            () = act(self, seen, unseen, leads, interests) => {}
        }
    }

    /// Learns from an object as it is now.
    fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Secret(secret) => {
                if let Some(keys) = secret.as_ref().and_then(keys) {
                    offer(&self.pair, Some(keys.leaf));
                }
                self.found.secret = secret;
            }
            Seen::Mutating(found) => {
                self.found.uninstalled |= found.as_ref().is_some_and(is_marked);
                self.found.mutating = found;
            }
            Seen::Validating(found) => {
                self.found.uninstalled |= found.as_ref().is_some_and(is_marked);
                self.found.validating = found;
            }
        }
        let trust = Trust {
            bundle: self.published(),
            names: self.options.endpoint.names(),
        };
        offer(&self.trust, trust);
        offer(&self.registered, self.found.registered());
    }

    fn published(&self) -> String {
        bundle::published(self.found.mutating.as_ref(), self.found.validating.as_ref())
    }

    /// Makes keys and configurations what they should be, in this order: what is published always vouches for what
    /// is served.
    async fn keep(
        &mut self,
        interests: Option<&Interests>,
        now: SystemTime,
    ) -> Result<(), RegistrarError> {
        let bundle = match &self.options.certificates {
            Certificates::Own => Bundle::Published(self.keep_keys(now).await?.bundle()),
            Certificates::CertManager(certificate) => Bundle::Injected(certificate.clone()),
            Certificates::Files(path) => Bundle::Published(read(path).await?),
        };
        let Some(interests) = interests else {
            return Ok(());
        };
        let registration = self.registration(bundle, self.owner().await?);
        let wanted = registration.configurations(interests.table.rows(), interests);
        self.apply(&wanted.mutating, MUTATING).await?;
        self.apply(&wanted.validating, VALIDATING).await
    }

    fn registration(&self, bundle: Bundle, owner: Option<OwnerReference>) -> Registration {
        let Options {
            endpoint,
            certificates: _,
            terms: _,
            clock: _,
            namespace,
            exclude_namespaces,
            only_namespaces,
            failure_policy,
            timeout_seconds,
            cluster_role: _,
        } = self.options.clone();
        let softened = self.found.validating.as_ref().is_some_and(is_softened);
        Registration {
            endpoint,
            bundle,
            own_namespace: namespace,
            exclude_namespaces,
            only_namespaces,
            failure_policy: if softened {
                FailurePolicy::Ignore
            } else {
                failure_policy
            },
            timeout_seconds,
            owner,
        }
    }

    /// Steps the keys until nothing is due, and writes them.
    async fn keep_keys(&mut self, now: SystemTime) -> Result<Keys, RegistrarError> {
        let names = self.options.endpoint.names();
        let terms = self.options.terms;
        let before = self.found.secret.as_ref().and_then(keys);
        let mut keys = match &before {
            Some(keys) => keys.clone(),
            None => Keys::make(&names, terms, now)?,
        };
        let published = self.published();
        while let Some(change) = keys.step(&names, terms, &published, now)? {
            info!(?change, "the keys change");
        }
        if before.as_ref() != Some(&keys) {
            let written = self.write_secret(&keys).await;
            let secret = written.map_err(api("the Secret `tollgate-tls`"))?;
            self.take(Seen::Secret(Some(secret)));
        }
        Ok(keys)
    }

    async fn write_secret(&self, keys: &Keys) -> Result<Secret, kube::Error> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.options.namespace);
        let data: BTreeMap<_, _> = keys
            .to_data()
            .into_iter()
            .map(|(key, value)| (key, ByteString(value)))
            .collect();
        let params = PostParams::default();
        match self.found.secret.clone() {
            // With the resourceVersion that was seen: whoever led before has not written since.
            Some(secret) => {
                let secret = Secret {
                    data: Some(data),
                    ..secret
                };
                secrets.replace(SECRET, &params, &secret).await
            }
            None => {
                let secret = Secret {
                    metadata: ObjectMeta {
                        name: Some(SECRET.to_owned()),
                        ..ObjectMeta::default()
                    },
                    type_: Some("kubernetes.io/tls".to_owned()),
                    data: Some(data),
                    ..Secret::default()
                };
                secrets.create(&params, &secret).await
            }
        }
    }

    /// A namespaced object cannot own what has no namespace. The ClusterRole goes with the installation, and the
    /// garbage collector then takes the configurations, where the Namespace would often stay.
    async fn owner(&self) -> Result<Option<OwnerReference>, RegistrarError> {
        let Some(name) = &self.options.cluster_role else {
            return Ok(None);
        };
        let roles: Api<ClusterRole> = Api::all(self.client.clone());
        let role = roles.get_opt(name).await.map_err(api("the ClusterRole"))?;
        Ok(role.and_then(|role| role.owner_ref(&())))
    }

    async fn apply<K>(&self, wanted: &K, object: &'static str) -> Result<(), RegistrarError>
    where
        K: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone + Debug,
    {
        let objects: Api<K> = Api::all(self.client.clone());
        let params = PatchParams::apply(NAME).force();
        let applied = objects.patch(NAME, &params, &Patch::Apply(wanted)).await;
        applied.map(drop).map_err(api(object))
    }
}

/// Tells of one object whenever it changes.
async fn watch_one<K>(
    what: &str,
    name: &'static str,
    objects: Api<K>,
    tell: &mpsc::UnboundedSender<Seen>,
    seen: fn(Option<K>) -> Seen,
) -> Infallible
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let changed = |change| {
        let now = match change {
            Change::Listed(all) => all.into_iter().next(),
            Change::Applied(object) => Some(object),
            Change::Deleted(_) => None,
        };
        // The error would mean that nobody acts any more, and then nobody watches either.
        let _ = tell.send(seen(now));
    };
    follow_one(what, name, objects, changed).await
}

/// Learns from what is seen, and keeps what should be while this replica leads.
async fn act(
    mut registrar: Registrar,
    mut seen: mpsc::UnboundedReceiver<Seen>,
    mut unseen: BTreeSet<&'static str>,
    mut leads: watch::Receiver<bool>,
    mut interests: watch::Receiver<Option<Interests>>,
) {
    let mut agenda = Agenda::new(Instant::now());
    loop {
        tokio::select! {
            Some(object) = seen.recv() => {
                unseen.remove(object.name());
                registrar.take(object);
            }
            Ok(()) = leads.changed() => {}
            Ok(()) = interests.changed() => {}
            () = sleep_until(agenda.next()) => {}
        }
        let wanted = interests.borrow_and_update().clone();
        // The first look at every object comes before any write.
        let leads = *leads.borrow_and_update();
        let acts = leads && unseen.is_empty() && !registrar.found.uninstalled;
        if agenda.is_due(acts, Instant::now()) {
            let clock = &registrar.options.clock;
            let now = clock.read(SystemTime::now(), Instant::now().into_std());
            let kept = registrar.keep(wanted.as_ref(), now).await;
            agenda.done(kept.is_ok(), Instant::now());
            if let Err(err) = kept {
                let err = &err as &(dyn std::error::Error + 'static);
                warn!(err, "the registration could not be kept");
            }
        }
    }
}

fn keys(secret: &Secret) -> Option<Keys> {
    let data = secret.data.as_ref()?.iter();
    Keys::from_data(
        &data
            .map(|(key, value)| (key.clone(), value.0.clone()))
            .collect(),
    )
}

fn offer<T: PartialEq>(to: &watch::Sender<T>, value: T) {
    to.send_if_modified(|before| {
        let changes = *before != value;
        *before = value;
        changes
    });
}

fn is_softened(configuration: &ValidatingWebhookConfiguration) -> bool {
    configuration.annotations().contains_key(FAIL_OPEN)
}

/// Whether somebody is uninstalling the configuration. From then on it is not brought back.
fn is_marked<K: Resource>(configuration: &K) -> bool {
    configuration.annotations().contains_key(UNINSTALLED)
}

async fn read(path: &PathBuf) -> Result<String, RegistrarError> {
    let text = tokio::fs::read_to_string(path).await;
    text.map_err(|source| RegistrarError::Bundle {
        path: path.clone(),
        source,
    })
}

fn api(object: &'static str) -> impl FnOnce(kube::Error) -> RegistrarError {
    move |source| RegistrarError::Api { object, source }
}
