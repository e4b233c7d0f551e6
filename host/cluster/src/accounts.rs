//! The accounts of budgets, in the status of their objects: what the watch last showed, and a store over the API server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::api::{DynamicObject, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tollgate_budget::{
    Account, Pause, Store, StoreError, Stored, Version, Versioned, read_account, write_account,
};
use tollgate_catalog::document::VERSION;

use crate::pace::Pace;
use crate::reporter::api;
use crate::shared::SharedRead;
use crate::watch::Change;

/// The kind whose status has the accounts.
pub(crate) const KIND: &str = "Budget";

/// What asks the leader to count the pods of a budget anew, whenever its value changes.
const RECOUNT: &str = "tollgate.dev/recount";

/// Who writes accounts, in the words of the API server.
const MANAGER: &str = "tollgate-budgets";

/// How long a charge waits for the pods of a new budget to be counted. The caller's deadline may end it before.
const COUNTING: Duration = Duration::from_secs(5);

/// What is known of all accounts. Clones show the same.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

struct Shared {
    known: Mutex<BTreeMap<String, Known>>,
    news: watch::Sender<()>,
}

/// A Budget object as it was at a version.
#[derive(Clone)]
pub(crate) struct Known {
    /// Which object: a later one may have its name.
    pub(crate) uid: Arc<str>,
    version: Version,
    account: Result<Arc<Account>, Unreadable>,
    /// All but the account.
    object: Arc<DynamicObject>,
}

/// Why nobody is charged.
#[derive(Clone, Debug, thiserror::Error)]
enum Unreadable {
    #[error(
        "`.status.account` is none of this version; where no newer version of Tollgate writes it, have the pods counted anew: \
         `kubectl patch budget NAME --subresource=status --type=json -p '[{{\"op\":\"remove\",\"path\":\"/status/account\"}}]'`"
    )]
    Account(#[source] Arc<serde_json::Error>),
    #[error("its pods have not been counted yet; a leader does that within seconds")]
    Uncounted,
}

impl Default for Accounts {
    fn default() -> Self {
        Self(Arc::new(Shared {
            known: Mutex::default(),
            news: watch::Sender::new(()),
        }))
    }
}

impl Accounts {
    /// Takes in what the watch of Budget objects tells.
    pub(crate) fn note(&self, change: &Change<DynamicObject>) {
        match change {
            Change::Listed(all) => {
                let names: BTreeSet<_> = all.iter().map(DynamicObject::name_any).collect();
                self.known().retain(|name, _| names.contains(name));
                all.iter().for_each(|object| self.see(object));
            }
            Change::Applied(object) => self.see(object),
            Change::Deleted(object) => {
                self.known().remove(&object.name_any());
            }
        }
        self.0.news.send_replace(());
    }

    /// What is known of a budget.
    pub(crate) fn get(&self, budget: &str) -> Option<Known> {
        self.known().get(budget).cloned()
    }

    /// The account of a budget as it was seen last, where its pods have been counted.
    pub fn counted(&self, budget: &str) -> Option<Arc<Account>> {
        self.get(budget)?.counted().ok()
    }

    /// Takes in what the watch shows of an object, which mostly is what the answer to a write has said before.
    fn see(&self, object: &DynamicObject) {
        let version = Version(object.resource_version().unwrap_or_default().into());
        let uid = object.uid().unwrap_or_default();
        let known = self.get(&object.name_any());
        if !known.is_some_and(|known| known.is_of(&uid, &version)) {
            self.keep(&Known::of(object.clone()));
        }
    }

    /// Keeps what was read or written, unless something newer is known: a write's answer comes before the watch.
    fn keep(&self, new: &Known) {
        let mut known = self.known();
        let before = known.get(&new.object.name_any());
        if !before.is_some_and(|before| before.is_of(&new.uid, &new.version)) {
            known.insert(new.object.name_any(), new.clone());
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Versions of one object are numbers that grow.
fn number(version: &Version) -> u64 {
    version.0.parse().unwrap_or_default()
}

impl Known {
    pub(crate) fn of(mut object: DynamicObject) -> Self {
        object.metadata.managed_fields = None;
        let status = object.data.get_mut("status").and_then(Value::as_object_mut);
        let account = status.and_then(|status| status.remove("account"));
        let account = account.map_or_else(|| Ok(Account::default()), read_account);
        Self {
            uid: object.uid().unwrap_or_default().into(),
            version: Version(object.resource_version().unwrap_or_default().into()),
            account: account
                .map(Arc::new)
                .map_err(|err| Unreadable::Account(Arc::new(err))),
            object: Arc::new(object),
        }
    }

    /// Whether it is this version of the object or a later one.
    fn is_of(&self, uid: &str, version: &Version) -> bool {
        *self.uid == *uid && (self.version == *version || number(&self.version) > number(version))
    }

    /// The account, where it says anything: before the first count it knows of no pod that is there.
    fn counted(&self) -> Result<Arc<Account>, Unreadable> {
        match &self.account {
            Ok(account) if account.term == 0 => Err(Unreadable::Uncounted),
            account => account.clone(),
        }
    }

    /// The account, also before the first count.
    pub(crate) fn account(&self, budget: &str) -> Result<Arc<Account>, StoreError> {
        self.account.clone().map_err(|err| failed(budget, err))
    }

    /// The value by which a count is asked for.
    pub(crate) fn asks(&self) -> Option<&String> {
        self.object.annotations().get(RECOUNT)
    }

    fn versioned(&self) -> Result<Versioned, Unreadable> {
        Ok(Versioned {
            version: self.version.clone(),
            account: self.counted()?,
        })
    }

    /// The object with another account.
    fn with(&self, account: &Account) -> Result<DynamicObject, serde_json::Error> {
        let mut object = DynamicObject::clone(&self.object);
        object.types = Some(kube::core::TypeMeta {
            api_version: VERSION.to_owned(),
            kind: KIND.to_owned(),
        });
        let written = write_account(account)?;
        match object.data.get_mut("status").and_then(Value::as_object_mut) {
            Some(status) => {
                status.insert("account".to_owned(), written);
            }
            None => {
                if let Some(data) = object.data.as_object_mut() {
                    data.insert("status".to_owned(), json!({"account": written}));
                }
            }
        }
        Ok(object)
    }
}

fn failed(budget: &str, err: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Failed {
        budget: budget.into(),
        source: Arc::new(err),
    }
}

/// The accounts as a store: a write replaces the status of the object, if nobody else has written it since.
#[derive(Clone)]
pub struct StatusStore {
    api: Api<DynamicObject>,
    accounts: Accounts,
    /// By budget: many pods may want to know at once whether one is full.
    reads: Arc<Mutex<BTreeMap<String, Arc<SharedRead<Known>>>>>,
    /// By budget.
    paces: Arc<Mutex<BTreeMap<String, Pace>>>,
}

impl StatusStore {
    /// Over what is known, which [`run`](crate::run) keeps up to date; nothing where there is no such kind.
    pub fn new(client: &Client, accounts: Accounts) -> Option<Self> {
        Some(Self {
            api: api(client, KIND)?,
            accounts,
            reads: Arc::default(),
            paces: Arc::default(),
        })
    }

    /// What is known without asking.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Asks the API server, once for all who wait at the same time.
    pub(crate) async fn read(&self, budget: &str) -> Result<Known, StoreError> {
        let shared = {
            let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(reads.entry(budget.to_owned()).or_default())
        };
        shared.get(async || self.ask(budget).await).await
    }

    async fn ask(&self, budget: &str) -> Result<Known, StoreError> {
        let object = self
            .api
            .get(budget)
            .await
            .map_err(|err| told(budget, err))?;
        Ok(self.keep(object))
    }

    /// Writes an account over what is known of an object, and gives what is known then.
    pub(crate) async fn put(
        &self,
        budget: &str,
        known: &Known,
        account: &Account,
    ) -> Result<Known, StoreError> {
        let object = known.with(account).map_err(|err| failed(budget, err))?;
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let written = self.api.replace_status(budget, &params, &object).await;
        let written = written.map_err(|err| told(budget, err))?;
        Ok(self.keep(written))
    }

    fn keep(&self, object: DynamicObject) -> Known {
        let known = Known::of(object);
        self.accounts.keep(&known);
        known
    }

    /// Learns, or tells, how soon to write an account again.
    fn pace<T>(&self, budget: &str, change: impl FnOnce(&mut Pace) -> T) -> T {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        change(paces.entry(budget.to_owned()).or_default())
    }

    async fn load_counted(&self, budget: &str) -> Result<Versioned, StoreError> {
        let mut news = self.accounts.0.news.subscribe();
        let is_counted = |known: &Known| !matches!(known.counted(), Err(Unreadable::Uncounted));
        let mut known = self.read(budget).await?;
        if !is_counted(&known) {
            let counted = news.wait_for(|()| {
                let known = self.accounts.get(budget);
                known.as_ref().is_none_or(is_counted)
            });
            // Whether it was counted in time is seen by reading it.
            let _in_time = timeout(COUNTING, counted).await.is_ok();
            known = self.read(budget).await?;
        }
        known.versioned().map_err(|err| failed(budget, err))
    }
}

/// What the API server's answer means for an account.
fn told(budget: &str, err: kube::Error) -> StoreError {
    let budget: Arc<str> = budget.into();
    match err {
        kube::Error::Api(status) if status.code == 409 => StoreError::Conflict { budget },
        kube::Error::Api(status) if status.code == 404 => StoreError::Gone { budget },
        err => StoreError::Failed {
            budget,
            source: Arc::new(err),
        },
    }
}

impl Store for StatusStore {
    fn load<'s>(&'s self, budget: &'s str) -> Stored<'s, Versioned> {
        Box::pin(self.load_counted(budget))
    }

    fn recent(&self, budget: &str) -> Option<Versioned> {
        self.accounts.get(budget)?.versioned().ok()
    }

    fn pause<'s>(&'s self, budget: &'s str) -> Pause<'s> {
        let next = self.pace(budget, |pace| pace.next());
        Box::pin(async move {
            if let Some(next) = next {
                sleep_until(next).await;
            }
        })
    }

    fn store<'s>(
        &'s self,
        budget: &'s str,
        replaced: &'s Version,
        account: Arc<Account>,
    ) -> Stored<'s, Version> {
        Box::pin(async move {
            // What was read is known, unless something newer is.
            let known = self.accounts.get(budget);
            let Some(known) = known.filter(|known| known.version == *replaced) else {
                return Err(StoreError::Conflict {
                    budget: budget.into(),
                });
            };
            let written = self.put(budget, &known, &account).await;
            match &written {
                Ok(_) => self.pace(budget, |pace| pace.written(Instant::now())),
                Err(StoreError::Conflict { .. }) => self.pace(budget, Pace::outrun),
                Err(_) => {}
            }
            Ok(written?.version)
        })
    }
}

#[cfg(test)]
mod tests;
