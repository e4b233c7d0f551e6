//! Tells the owners of pods that are refused why their pods do not come: who made a Deployment hears nothing of what its
//! ReplicaSet is answered; and pods, why a controller may not change them. Away from reviews, and never more than a little.

mod note;
mod pace;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::pace::{Pace, Turn};
use crate::event::Events;
use crate::status::Happening;

/// How many refusals may wait to be told. Beyond that they are dropped: controllers try again.
const WAITING: usize = 256;

/// How far up owners are told: a pod's StatefulSet, the LeaderWorkerSet above it, and whatever made that.
const GENERATIONS: usize = 3;

/// A pod that was refused, or a change of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The namespace that it was to be in.
    pub namespace: String,
    /// What was refused.
    pub what: What,
    /// Who is told first: its controller, or of a change the pod itself.
    pub owner: Owner,
    /// Why; the first is told in full.
    pub reasons: Vec<Reason>,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A new pod.
    Pod,
    /// A change of a pod that is there, such as that it leaves its gates.
    Change,
}

/// Who controls an object, as the object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its API version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `policy/rule`, or the policy that faulted.
    pub by: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: Option<String>,
}

/// What became of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Its owners were told.
    Written,
    /// They had been told the same a moment ago, by whatever replica.
    Repeated,
    /// There were too many at once, or the owner is not there.
    Dropped,
    /// The API server refused, or was away.
    Failed,
}

/// Where refusals are handed in.
#[derive(Clone, Debug)]
pub struct Refusals {
    queue: mpsc::Sender<Refused>,
    turned_away: Arc<AtomicU64>,
}

/// Refusals that wait to be told.
#[derive(Debug)]
pub struct Untold {
    queue: mpsc::Receiver<Refused>,
    turned_away: Arc<AtomicU64>,
}

/// A place to hand refusals in, and what [`tell`] takes them from.
pub fn refusals() -> (Refusals, Untold) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let turned_away = Arc::<AtomicU64>::default();
    let refusals = Refusals {
        queue: sender,
        turned_away: Arc::clone(&turned_away),
    };
    let untold = Untold {
        queue: receiver,
        turned_away,
    };
    (refusals, untold)
}

impl Refusals {
    /// Hands a refusal in, without waiting. It is dropped where there is no room, and where there can be no such owner.
    pub fn hand_in(&self, refused: Refused) {
        if !refused.owner.may_be() || self.queue.try_send(refused).is_err() {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Owner {
    /// Whether an object may be called so: who makes a pod writes its owner as he likes, and what he writes is asked for.
    fn may_be(&self) -> bool {
        let is_word = |text: &str, most: usize| {
            let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.');
            (1..=most).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('.')
        };
        let Self {
            api_version,
            kind,
            name,
            uid,
        } = self;
        let mut version = api_version.splitn(2, '/');
        version.all(|part| is_word(part, 253))
            && is_word(kind, 63)
            && is_word(name, 253)
            && is_word(uid, 128)
    }
}

/// Tells owners until nobody hands in any more, and what became of how many refusals.
pub async fn tell(client: Client, replica: &str, untold: Untold, notify: impl Fn(Told, u64)) {
    let Untold {
        mut queue,
        turned_away,
    } = untold;
    let mut teller = Teller {
        events: Events::new(client.clone(), replica),
        client,
        pace: Pace::new(Instant::now()),
    };
    while let Some(refused) = queue.recv().await {
        notify(teller.tell(&refused).await, 1);
        notify(Told::Dropped, turned_away.swap(0, Ordering::Relaxed));
    }
}

struct Teller {
    client: Client,
    events: Events,
    pace: Pace,
}

/// What the API server knows of an owner.
enum Known {
    /// Nobody that is told too.
    Highest,
    /// It has a controller itself.
    Under(Owner),
    /// There is no such object, or another one of that name.
    Gone,
}

impl Teller {
    async fn tell(&mut self, refused: &Refused) -> Told {
        let period = pace::period(SystemTime::now());
        let key = key(&refused.owner, &refused.reasons, period);
        match self.pace.turn(key, period, Instant::now()) {
            Turn::Now => {}
            Turn::Never => return Told::Repeated,
            Turn::Later => return Told::Dropped,
        }
        match self.tell_all(refused, period).await {
            Ok(told) => told,
            Err(err) => {
                let Owner { kind, name, .. } = &refused.owner;
                tracing::warn!(%err, kind, name, namespace = refused.namespace, "the owner of a refused pod was not told");
                // What it refuses now it will refuse again.
                if !matches!(&err, kube::Error::Api(status) if (400..429).contains(&status.code)) {
                    self.pace.forget(key);
                }
                Told::Failed
            }
        }
    }

    async fn tell_all(&self, refused: &Refused, period: u64) -> kube::Result<Told> {
        let mut told = Told::Repeated;
        let mut owner = refused.owner.clone();
        for _ in 0..GENERATIONS {
            let above = self.above(&refused.namespace, &owner).await?;
            if matches!(above, Known::Gone) {
                return Ok(Told::Dropped);
            }
            if self.write(refused, &owner, period).await? {
                told = Told::Written;
            }
            match above {
                Known::Under(above) => owner = above,
                Known::Highest | Known::Gone => break,
            }
        }
        Ok(told)
    }

    /// Who is above an owner. Of kinds that are not known to be made by others nothing is asked.
    async fn above(&self, namespace: &str, owner: &Owner) -> kube::Result<Known> {
        let Some(resource) = made_by_others(owner) else {
            return Ok(Known::Highest);
        };
        let objects: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &resource);
        let found = match objects.get_metadata_opt(&owner.name).await {
            Ok(found) => found,
            // Whoever may not look further still tells the owner that the pod names.
            Err(kube::Error::Api(status)) if status.code == 403 => return Ok(Known::Highest),
            Err(err) => return Err(err),
        };
        let Some(found) = found.filter(|found| found.uid().as_deref() == Some(&*owner.uid)) else {
            return Ok(Known::Gone);
        };
        let controller = found
            .owner_references()
            .iter()
            .find(|it| it.controller == Some(true));
        Ok(controller.map_or(Known::Highest, |it| Known::Under(it.into())))
    }

    async fn write(&self, refused: &Refused, owner: &Owner, period: u64) -> kube::Result<bool> {
        let Refused {
            owner: nearest,
            what,
            reasons,
            namespace,
        } = refused;
        let (reason, whose) = match (what, owner == nearest) {
            (What::Change, _) => ("ChangeRefused", "its change is refused".to_owned()),
            (What::Pod, true) => ("PodRefused", "its pods are refused".to_owned()),
            (What::Pod, false) => (
                "PodRefused",
                format!(
                    "the pods of its {} `{}` are refused",
                    nearest.kind, nearest.name
                ),
            ),
        };
        let happening = Happening {
            is_warning: true,
            reason,
            message: note::note(&whose, reasons),
        };
        // All replicas call it alike, so that the API server takes it once.
        let name = format!("tollgate-{:016x}", key(owner, reasons, period));
        let Owner {
            api_version,
            kind,
            name: of,
            uid,
        } = owner.clone();
        let regarding = ObjectReference {
            api_version: Some(api_version),
            kind: Some(kind),
            name: Some(of),
            namespace: Some(namespace.clone()),
            uid: Some(uid),
            ..ObjectReference::default()
        };
        self.events.write_once(name, regarding, &happening).await
    }
}

/// What is said to whom in a period. Figures in messages, such as what is left of a budget, do not make it another.
fn key(owner: &Owner, reasons: &[Reason], period: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    owner.uid.hash(&mut hasher);
    reasons
        .iter()
        .for_each(|reason| reason.by.hash(&mut hasher));
    period.hash(&mut hasher);
    hasher.finish()
}

/// Kinds that make pods and are often made by others themselves. A replica may read these and no more.
const MADE_BY_OTHERS: [(&str, &str, &str); 4] = [
    ("apps/v1", "ReplicaSet", "replicasets"),
    ("apps/v1", "StatefulSet", "statefulsets"),
    ("batch/v1", "Job", "jobs"),
    ("ray.io/v1", "RayCluster", "rayclusters"),
];

/// Whether a replica asks for objects of a kind, by its plural, to know who is above them.
pub(crate) fn is_asked_about(group: &str, plural: &str) -> bool {
    let in_group = |version: &str| version.split_once('/').is_some_and(|(it, _)| it == group);
    let mut rows = MADE_BY_OTHERS.iter();
    rows.any(|(version, _, name)| in_group(version) && *name == plural)
}

fn made_by_others(owner: &Owner) -> Option<ApiResource> {
    let named = MADE_BY_OTHERS
        .iter()
        .find(|row| (row.0, row.1) == (&owner.api_version, &owner.kind));
    let (api_version, kind, plural) = named?;
    let (group, version) = api_version.split_once('/')?;
    Some(ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: (*api_version).to_owned(),
        kind: (*kind).to_owned(),
        plural: (*plural).to_owned(),
    })
}

impl From<&OwnerReference> for Owner {
    fn from(reference: &OwnerReference) -> Self {
        let OwnerReference {
            api_version,
            kind,
            name,
            uid,
            ..
        } = reference.clone();
        Self {
            api_version,
            kind,
            name,
            uid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner {
            api_version: "apps/v1".to_owned(),
            kind: "ReplicaSet".to_owned(),
            name: name.to_owned(),
            uid: "0a-1b".to_owned(),
        }
    }

    fn refused(name: &str) -> Refused {
        Refused {
            what: What::Pod,
            namespace: "ml".to_owned(),
            owner: owner(name),
            reasons: Vec::new(),
        }
    }

    #[test]
    fn owners_that_cannot_be_are_not_asked_for() {
        assert!(owner("chat-7f9").may_be());
        for name in [
            "",
            "..",
            "../secrets/tollgate-tls",
            "a/b",
            "a?x=y",
            &"a".repeat(254),
        ] {
            assert!(!owner(name).may_be(), "{name}");
        }
        let foreign = Owner {
            api_version: "a/../v1".to_owned(),
            ..owner("a")
        };
        assert!(!foreign.may_be());
    }

    #[test]
    fn who_finds_no_room_is_turned_away_at_once() {
        let (refusals, untold) = refusals();
        (0..1_000).for_each(|_| refusals.hand_in(refused("a")));
        refusals.hand_in(refused("../a"));
        let away = untold.turned_away.load(Ordering::Relaxed);
        assert_eq!((untold.queue.len(), away), (WAITING, 1_001 - 256));
    }

    #[test]
    fn figures_in_messages_do_not_make_news() {
        let reason = |by: &str, message: &str| Reason {
            by: by.to_owned(),
            message: message.to_owned(),
            fix: None,
        };
        let of = |by, message| key(&owner("a"), &[reason(by, message)], 7);
        assert_eq!(of("a/b", "3 of 8 left"), of("a/b", "2 of 8 left"));
        assert_ne!(of("a/b", "3 of 8 left"), of("a/c", "3 of 8 left"));
    }
}
