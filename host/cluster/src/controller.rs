//! Keeps a catalog of what the cluster's objects say, and reports back.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, ResourceExt as _};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tollgate_catalog::document::DOCUMENT_KINDS;
use tollgate_catalog::{
    Catalog, Configuration, Diagnostic, Entry, Labels, Loader, Namespaces, Resolved,
};

use crate::accounts::{Accounts, KIND as BUDGET, StatusStore};
use crate::bookkeeper::{Bookkeeper, InForce, Tiding, Weigher};
use crate::completion::Completion;
use crate::departures::Departures;
use crate::event::Events;
use crate::ledger::{Key, Ledger, Standing, Version};
use crate::reporter::{Board, Reporter, Tracked, api, in_seconds, status_of};
use crate::state;
use crate::status::{Fault, Own, Replica, Rule, Status};
use crate::watch::{Change, follow};

/// What a replica needs to know to serve a cluster's configuration.
pub struct Options {
    /// The name of this replica, which no other one has.
    pub replica: String,
    /// What the objects stand over.
    pub profile: Configuration,
    /// What makes policies ready.
    pub loader: Arc<Loader>,
    /// How pods are charged; nobody charges them unless given.
    pub charging: Option<Charging>,
}

/// How pods are charged to budgets.
pub struct Charging {
    /// Where the accounts are.
    pub store: StatusStore,
    /// What weighs live pods.
    pub weigher: Arc<dyn Weigher>,
    /// Whether this replica leads: the leader counts live pods.
    pub leads: watch::Receiver<bool>,
}

/// What whoever serves is told.
pub enum Notice {
    /// This is in force from now on.
    InForce(Arc<Catalog>),
    /// This replaces what is in force: the same policies, now compiled for their settings.
    Completed(Arc<Catalog>),
    /// Which objects are refused has changed; what was in force of them before stays.
    Refused {
        /// How many are refused anew, or for another reason.
        new: usize,
        /// How many are refused now, for every kind.
        by_kind: BTreeMap<&'static str, usize>,
    },
    /// Nothing could be loaded; what was in force before stays.
    Failed(Vec<Diagnostic>),
    /// Something happened to the account of this budget.
    Account(String, Tiding),
}

/// How long to wait for further changes after one, and how long at most.
const QUIET: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// How often to look whether a policy was cut off.
const LOOK: Duration = Duration::from_millis(500);

/// How often to try again what was refused for another reason than what it says.
const RETRY: Duration = Duration::from_secs(30);

/// Watches the configuration of a cluster and the labels of its namespaces until `stop` ends. The first notice comes
/// when all has been listed.
pub async fn run(
    client: Client,
    options: Options,
    notify: impl Fn(Notice),
    stop: impl Future<Output = ()>,
) {
    let (board, reported) = watch::channel(Board::new());
    let reporter = Reporter::new(client.clone(), &options.replica, reported);
    let reporter = tokio::spawn(reporter.run());
    let context = options.loader.context.clone();
    let (asks, is_asked) = watch::channel(false);
    let following = state::follow(client.clone(), context, is_asked);
    let departures = Departures::default();
    let (force, in_force) = watch::channel((0, None));
    let tell = |budget: &str, tiding| notify(Notice::Account(budget.to_owned(), tiding));
    let events = Events::new(client.clone(), &options.replica);
    let bookkeeper = options.charging.as_ref().map(|charging| Bookkeeper {
        client: client.clone(),
        store: charging.store.clone(),
        weigher: Arc::clone(&charging.weigher),
        departures: departures.clone(),
        events,
        leads: charging.leads.clone(),
        in_force,
        tell: &tell,
    });
    let bookkeeping = async {
        match bookkeeper {
            Some(bookkeeper) => bookkeeper.run().await,
            None => pending().await,
        }
    };
    let controller = Controller {
        asks,
        ..Controller::new(options, board, departures, force.clone())
    };
    let notify = |notice| {
        show(&force, &notice);
        notify(notice);
    };
    tokio::select! {
        () = controller.run(client, &notify) => {}
        never = bookkeeping => match never {},
        never = following => match never {},
        () = stop => {}
    }
    // The board is gone with the controller, and so the reporter says farewell.
    let _ended = reporter.await;
}

/// Shows whoever counts pods what is in force. A catalog that is only completed makes no pod weigh anything else.
fn show(force: &watch::Sender<InForce>, notice: &Notice) {
    match notice {
        Notice::InForce(catalog) => force.send_modify(|(number, shown)| {
            *number += 1;
            *shown = Some(Arc::clone(catalog));
        }),
        Notice::Completed(catalog) => {
            force.send_if_modified(|(_, shown)| {
                *shown = Some(Arc::clone(catalog));
                false
            });
        }
        _ => {}
    }
}

/// Has the pods counted anew where a namespace that is labelled otherwise comes into the scope of a budget in force, or
/// leaves one: those that are there take something else then.
fn recount_for(relabelled: &Relabelled, force: &watch::Sender<InForce>) {
    let Relabelled {
        name,
        before,
        after,
    } = relabelled;
    force.send_if_modified(|(number, shown)| {
        let mut budgets = shown.iter().flat_map(|catalog| &catalog.budgets);
        let moves = budgets.any(|charged| charged.budget.moves(name, before, after));
        *number += u64::from(moves);
        moves
    });
}

/// Something that a watch has told.
enum Told {
    Objects(&'static str, Box<Change<DynamicObject>>),
    NamespacesListed,
}

struct Controller {
    options: Options,
    ledger: Ledger,
    namespaces: Namespaces,
    /// The objects' own versions and statuses, as the API server has them.
    seen: BTreeMap<Key, Seen>,
    catalog: Option<Arc<Catalog>>,
    board: watch::Sender<Board>,
    /// Whether a policy in force may ask about the cluster.
    asks: watch::Sender<bool>,
    /// What must be listed before anything is in force.
    awaited: Vec<&'static str>,
    completion: Completion,
    /// Why objects are refused, as it was told last.
    told: BTreeMap<Key, String>,
    departures: Departures,
    force: watch::Sender<InForce>,
}

struct Seen {
    uid: String,
    generation: i64,
    resource_version: String,
    status: Status,
}

const NAMESPACES: &str = "Namespace";

impl Controller {
    fn new(
        options: Options,
        board: watch::Sender<Board>,
        departures: Departures,
        force: watch::Sender<InForce>,
    ) -> Self {
        let kinds = DOCUMENT_KINDS.iter().map(|document| document.kind);
        Self {
            completion: Completion::new(Arc::clone(&options.loader)),
            options,
            ledger: Ledger::default(),
            namespaces: Namespaces::default(),
            seen: BTreeMap::new(),
            catalog: None,
            board,
            asks: watch::Sender::new(false),
            awaited: kinds.chain([NAMESPACES]).collect(),
            told: BTreeMap::new(),
            departures,
            force,
        }
    }

    async fn run(mut self, client: Client, notify: &impl Fn(Notice)) {
        let (tell, mut told) = mpsc::unbounded_channel();
        let noting = Noting {
            namespaces: self.namespaces.clone(),
            departures: self.departures.clone(),
            force: self.force.clone(),
            accounts: self
                .options
                .charging
                .as_ref()
                .map(|charging| charging.store.accounts().clone()),
        };
        let watches = watches(client, tell, noting);
        let work = async {
            let mut retry = Instant::now() + RETRY;
            while let Some(news) = self.wait(&mut told, retry, notify).await {
                let mut is_new = news;
                if Instant::now() >= retry {
                    is_new |= self.ledger.try_again() || self.catalog.is_none();
                    retry = Instant::now() + RETRY;
                }
                if is_new && self.awaited.is_empty() {
                    self.settle(notify).await;
                }
                self.publish();
            }
        };
        tokio::select! {
            () = work => {}
            () = watches => {}
        }
    }

    /// Takes in what is told, until it is quiet; tells whether there is something to settle. Nothing when all watches
    /// have ended.
    async fn wait(
        &mut self,
        told: &mut mpsc::UnboundedReceiver<Told>,
        retry: Instant,
        notify: &impl Fn(Notice),
    ) -> Option<bool> {
        let look = Instant::now() + LOOK;
        let first = tokio::select! {
            first = told.recv() => first?,
            catalog = self.completion.next() => {
                tracing::debug!("the draft in force is replaced");
                let catalog = Arc::new(catalog);
                self.catalog = Some(Arc::clone(&catalog));
                notify(Notice::Completed(catalog));
                return Some(false);
            }
            () = sleep_until(look.min(retry)) => return Some(false),
        };
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut is_new = self.take_in(first);
        while Instant::now() < deadline
            && let Ok(next) = timeout(QUIET, told.recv()).await
        {
            is_new |= self.take_in(next?);
        }
        Some(is_new)
    }

    fn take_in(&mut self, told: Told) -> bool {
        match told {
            Told::NamespacesListed => self.is_listed(NAMESPACES),
            Told::Objects(kind, change) => self.take_in_change(kind, *change),
        }
    }

    fn take_in_change(&mut self, kind: &'static str, change: Change<DynamicObject>) -> bool {
        match change {
            Change::Listed(objects) => {
                let names: Vec<_> = objects.iter().map(DynamicObject::name_any).collect();
                let mut is_new = self.is_listed(kind);
                is_new |= self.ledger.keep_only(kind, &names);
                self.seen
                    .retain(|key, _| key.kind != kind || names.contains(&key.name));
                for object in objects {
                    is_new |= self.apply(kind, object);
                }
                is_new
            }
            Change::Applied(object) => self.apply(kind, object),
            Change::Deleted(object) => {
                let name = object.name_any();
                let key = Key { kind, name };
                self.seen.remove(&key);
                self.ledger.delete(&key)
            }
        }
    }

    fn is_listed(&mut self, kind: &str) -> bool {
        let before = self.awaited.len();
        self.awaited.retain(|awaited| *awaited != kind);
        self.awaited.len() != before
    }

    fn apply(&mut self, kind: &'static str, object: DynamicObject) -> bool {
        let key = Key {
            kind,
            name: object.name_any(),
        };
        let (uid, generation) = (
            object.uid().unwrap_or_default(),
            object.metadata.generation.unwrap_or_default(),
        );
        let seen = Seen {
            uid: uid.clone(),
            generation,
            resource_version: object.resource_version().unwrap_or_default(),
            status: status_of(&object),
        };
        self.seen.insert(key.clone(), seen);
        let spec = object.data.get("spec").cloned().unwrap_or_default();
        let version = Version {
            uid,
            generation,
            spec,
        };
        self.ledger.apply(key, version)
    }

    async fn settle(&mut self, notify: &impl Fn(Notice)) {
        let started = Instant::now();
        let Options {
            loader, profile, ..
        } = &self.options;
        let namespaces = &self.namespaces;
        let draft = async |resolved: Resolved| {
            let resolved = Resolved {
                namespaces: namespaces.clone(),
                ..resolved
            };
            let catalog = draft(Arc::clone(loader), resolved.clone()).await?;
            Ok((catalog, resolved))
        };
        match self.ledger.settle(profile, draft).await {
            Ok((catalog, resolved)) => {
                self.completion.want(resolved, &catalog);
                let catalog = Arc::new(catalog);
                self.catalog = Some(Arc::clone(&catalog));
                self.asks.send_replace(catalog.asks());
                tracing::info!(
                    policies = catalog.entries.len(),
                    duration_ms = started.elapsed().as_millis(),
                    "the configuration of the cluster is in force"
                );
                notify(Notice::InForce(catalog));
            }
            Err(wrong) => notify(Notice::Failed(wrong)),
        }
        self.tell_refusals(notify);
    }

    /// Tells what is refused, once.
    fn tell_refusals(&mut self, notify: &impl Fn(Notice)) {
        let standings = self.ledger.standings().into_iter();
        let refused: BTreeMap<_, _> = standings
            .filter_map(|(key, standing)| Some((key, standing.refused?)))
            .collect();
        let is_new = |(key, why): &(&Key, &String)| self.told.get(*key) != Some(*why);
        let new: Vec<_> = refused.iter().filter(is_new).collect();
        for (key, why) in &new {
            tracing::warn!(object = %key, why, "the newest version is refused");
        }
        let new = new.len();
        let mut by_kind: BTreeMap<_, _> = DOCUMENT_KINDS
            .iter()
            .map(|document| (document.kind, 0))
            .collect();
        for key in refused.keys() {
            *by_kind.entry(key.kind).or_default() += 1;
        }
        notify(Notice::Refused { new, by_kind });
        self.told = refused;
    }

    /// Shows the reporter how all objects stand.
    fn publish(&self) {
        if self.catalog.is_none() {
            return;
        }
        let board: Board = self
            .ledger
            .standings()
            .into_iter()
            .filter_map(|(key, standing)| {
                let tracked = self.tracked(&key, &standing)?;
                Some((key, tracked))
            })
            .collect();
        self.board.send_if_modified(|shown| {
            let is_new = *shown != board;
            *shown = board;
            is_new
        });
    }

    fn tracked(&self, key: &Key, standing: &Standing) -> Option<Tracked> {
        let Seen {
            uid,
            generation,
            resource_version,
            status,
        } = self.seen.get(key)?;
        Some(Tracked {
            uid: uid.clone(),
            generation: *generation,
            resource_version: resource_version.clone(),
            status: status.clone(),
            own: self.own(key, standing),
        })
    }

    fn own(&self, key: &Key, standing: &Standing) -> Own {
        let entries = self.catalog.iter().flat_map(|catalog| &catalog.entries);
        let entry = entries
            .filter(|_| key.kind == "Policy" && standing.in_force.is_some())
            .find(|entry| *entry.name == *key.name);
        let faults = entry
            .and_then(|entry| entry.breaker.as_ref())
            .map(|breaker| breaker.report())
            .unwrap_or_default();
        Own {
            entry: Replica {
                name: self.options.replica.clone(),
                generation: standing.generation,
                in_force: standing.in_force,
                digest: entry.map(|entry| entry.digest.to_string()),
                loaded_at: None,
                refused: standing.refused.clone(),
                cut_off: faults.cut_off.then_some(true),
                last_fault: faults.last.map(|last| Fault {
                    time: in_seconds(Timestamp::try_from(last.time).unwrap_or_default()),
                    cause: last.cause.to_owned(),
                    message: last.message,
                }),
            },
            rules: entry.map(rules).unwrap_or_default(),
            runs: entry.is_some(),
        }
    }
}

/// What each rule of a policy does.
fn rules(entry: &Entry) -> Vec<Rule> {
    let action = |rule: &str, default: &'static str| match entry.rules.get(rule) {
        Some(action) => action.as_str(),
        None => default,
    };
    let rules = entry.info.rules.iter().map(|rule| Rule {
        name: rule.id.clone(),
        action: action(&rule.id, rule.default.as_str()).to_owned(),
    });
    rules.collect()
}

/// Makes a catalog on a thread of its own, since compiling takes long.
async fn draft(loader: Arc<Loader>, resolved: Resolved) -> Result<Catalog, Vec<Diagnostic>> {
    let handle = Handle::current();
    let loading = tokio::task::spawn_blocking(move || handle.block_on(loader.draft(resolved)));
    loading.await.unwrap_or_else(|err| {
        Err(vec![Diagnostic::of_file(
            "configuration",
            format!("loading failed: {err}"),
        )])
    })
}

/// What is kept up to date by the watches themselves: whoever reads it must not wait for a configuration to be loaded.
struct Noting {
    namespaces: Namespaces,
    departures: Departures,
    force: watch::Sender<InForce>,
    accounts: Option<Accounts>,
}

/// Watches everything, for as long as somebody listens.
async fn watches(client: Client, tell: mpsc::UnboundedSender<Told>, noting: Noting) {
    let Noting {
        namespaces,
        departures,
        force,
        accounts,
    } = noting;
    let mut tasks = tokio::task::JoinSet::new();
    for document in DOCUMENT_KINDS {
        let kind = document.kind;
        let Some(api) = api(&client, kind) else {
            continue;
        };
        let tell = tell.clone();
        let accounts = accounts.clone().filter(|_| kind == BUDGET);
        tasks.spawn(async move {
            // Nobody listens any more only when this is about to be stopped.
            follow(kind, api, |change| {
                if let Some(accounts) = &accounts {
                    accounts.note(&change);
                }
                drop(tell.send(Told::Objects(kind, Box::new(change))))
            })
            .await
        });
    }
    let api = Api::<PartialObjectMeta<Namespace>>::all(client);
    tasks.spawn(async move {
        follow(NAMESPACES, api, |change| {
            departures.note(&change);
            let is_list = matches!(change, Change::Listed(_));
            for relabelled in keep_labels(&namespaces, change) {
                recount_for(&relabelled, &force);
            }
            if is_list {
                drop(tell.send(Told::NamespacesListed));
            }
        })
        .await
    });
    // A watch ends only by a panic, which is no reason to go on without it.
    tasks.join_next().await;
}

/// A namespace whose labels have changed.
struct Relabelled {
    name: String,
    before: Arc<Labels>,
    after: Labels,
}

/// Keeps the labels of namespaces up to date; tells which have changed.
fn keep_labels(
    namespaces: &Namespaces,
    change: Change<PartialObjectMeta<Namespace>>,
) -> Vec<Relabelled> {
    let labelled = |one: &PartialObjectMeta<Namespace>| (one.name_any(), one.labels().clone());
    let relabelled = |(name, after): &(String, Labels)| {
        let before = namespaces.labels_of(name)?;
        (*before != *after).then(|| Relabelled {
            name: name.clone(),
            before,
            after: after.clone(),
        })
    };
    match change {
        Change::Listed(all) => {
            let all: Vec<_> = all.iter().map(labelled).collect();
            let changed = all.iter().filter_map(relabelled).collect();
            namespaces.replace(all);
            changed
        }
        Change::Applied(one) => {
            let one = labelled(&one);
            let changed = relabelled(&one);
            namespaces.insert(one.0, one.1);
            changed.into_iter().collect()
        }
        Change::Deleted(one) => {
            namespaces.remove(&one.name_any());
            Vec::new()
        }
    }
}
