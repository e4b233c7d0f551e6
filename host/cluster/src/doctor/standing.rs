//! How configuration objects stand: whether the newest version of each is in force, and the same on every replica.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::ListParams;
use kube::{Client, ResourceExt as _};
use tollgate_catalog::document::DOCUMENT_KINDS;

use super::{Check, listed};
use crate::ledger::Key;
use crate::reporter::{api, status_of};
use crate::status::Status;

const IN_FORCE: &str = "configuration";
const AGREEMENT: &str = "replicas";

/// Reads the status of every object.
pub(super) async fn check(client: &Client) -> Vec<Check> {
    let mut found = Found::default();
    for document in &DOCUMENT_KINDS {
        let Some(api) = api(client, document.kind) else {
            continue;
        };
        match api.list(&ListParams::default()).await {
            // What is not defined is told elsewhere.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(err) => return vec![Check::untold(IN_FORCE, &err)],
            Ok(list) => list.items.iter().for_each(|object| {
                let key = Key {
                    kind: document.kind,
                    name: object.name_any(),
                };
                let generation = object.metadata.generation.unwrap_or_default();
                found.take(&key, generation, &status_of(object));
            }),
        }
    }
    found.checks()
}

#[derive(Default)]
struct Found {
    objects: usize,
    refused: Vec<String>,
    silent: Vec<String>,
    cut_off: Vec<String>,
    divided: Vec<String>,
    replicas: BTreeSet<String>,
}

impl Found {
    fn take(&mut self, key: &Key, generation: i64, status: &Status) {
        self.objects += 1;
        let condition = |name: &str| status.conditions.iter().find(|it| it.name == name);
        match condition("Ready") {
            Some(ready) if ready.status == "False" => {
                self.refused.push(format!("{key} ({})", ready.message));
            }
            Some(ready) if ready.observed_generation == generation => {}
            _ => self.silent.push(key.to_string()),
        }
        if condition("Healthy").is_some_and(|healthy| healthy.status == "False") {
            self.cut_off.push(key.to_string());
        }
        let mut said = BTreeMap::<_, Vec<_>>::new();
        for replica in &status.replicas {
            self.replicas.insert(replica.name.clone());
            let one = (replica.in_force, replica.digest.as_deref());
            said.entry(one).or_default().push(replica.name.as_str());
        }
        if said.len() > 1 {
            let sides: Vec<_> = said.values().map(|names| names.join(", ")).collect();
            self.divided
                .push(format!("{key}: {}", sides.join(" against ")));
        }
    }

    fn checks(self) -> Vec<Check> {
        let Self {
            objects,
            refused,
            silent,
            cut_off,
            divided,
            replicas,
        } = self;
        let mut checks = Vec::new();
        if !refused.is_empty() {
            let message = format!("the newest version is refused: {}", listed(&refused));
            checks.push(
                Check::fail(IN_FORCE, message)
                    .fix("correct the object; what was in force of it before stays until then"),
            );
        }
        if !silent.is_empty() {
            let message = format!(
                "no replica has read the newest version of {}",
                listed(&silent)
            );
            checks.push(
                Check::fail(IN_FORCE, message)
                    .fix("see that replicas run with `--cluster`, and the log for `cannot watch`"),
            );
        }
        if !cut_off.is_empty() {
            let message = format!("not run, since it faults often: {}", listed(&cut_off));
            checks.push(Check::fail(IN_FORCE, message).fix(
                "`kubectl get policy NAME -o yaml`, `status.lastFault`; until it is right, `mode: \"off\"`",
            ));
        }
        if checks.is_empty() {
            let message = match objects {
                0 => "there are no objects: the built-in policies stand alone".to_owned(),
                objects => format!("{objects} objects are in force as they are written"),
            };
            checks.push(Check::ok(IN_FORCE, message));
        }
        checks.extend(agreement(objects, &divided, &replicas));
        checks
    }
}

/// Objects are what replicas speak through: without any, nothing is known of them.
fn agreement(objects: usize, divided: &[String], replicas: &BTreeSet<String>) -> Option<Check> {
    let names: Vec<_> = replicas.iter().cloned().collect();
    match (divided, names.as_slice()) {
        (_, _) if objects == 0 => None,
        ([], []) => None,
        ([], [only]) => Some(
            Check::warn(AGREEMENT, format!("{only} is the only one that reports"))
                .fix("run two, on two nodes: `replicas: 2`"),
        ),
        ([], names) => Some(Check::ok(
            AGREEMENT,
            format!("{} have the same in force", listed(names)),
        )),
        (divided, _) => Some(
            Check::fail(
                AGREEMENT,
                format!("they have different versions in force: {}", listed(divided)),
            )
            .fix("wait until a roll-out is over; else restart the replica that is behind"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::Level;

    fn found(statuses: &[serde_json::Value]) -> Vec<Check> {
        let mut found = Found::default();
        for (number, status) in statuses.iter().enumerate() {
            let key = Key {
                kind: "Policy",
                name: format!("p{number}"),
            };
            found.take(&key, 2, &serde_json::from_value(status.clone()).unwrap());
        }
        found.checks()
    }

    fn ready(status: &str, generation: i64, replicas: serde_json::Value) -> serde_json::Value {
        json!({
            "conditions": [{
                "type": "Ready", "status": status, "observedGeneration": generation, "reason": "x",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "message": "unknown key `mod`",
            }],
            "replicas": replicas,
        })
    }

    #[test]
    fn what_is_refused_unread_or_divided_is_told_apart() {
        let replica =
            |name: &str, digest: &str| json!({"name": name, "inForce": 2, "digest": digest});
        let same = json!([replica("a", "1"), replica("b", "1")]);
        let levels = |checks: Vec<Check>| {
            checks
                .iter()
                .map(|check| (check.name, check.level))
                .collect::<Vec<_>>()
        };
        let well = levels(found(&[ready("True", 2, same.clone())]));
        assert_eq!(well, [(IN_FORCE, Level::Ok), (AGREEMENT, Level::Ok)]);

        let refused = found(&[ready("False", 2, same.clone())]);
        assert!(
            refused[0].message.contains("Policy/p0 (unknown key `mod`)"),
            "{refused:?}"
        );
        assert_eq!(refused[0].level, Level::Fail);

        let unread = found(&[ready("True", 1, same)]);
        assert!(
            unread[0].message.starts_with("no replica has read"),
            "{unread:?}"
        );

        let divided = found(&[ready(
            "True",
            2,
            json!([replica("a", "1"), replica("b", "2")]),
        )]);
        assert!(
            divided[1].message.contains("Policy/p0: a against b"),
            "{divided:?}"
        );
        assert_eq!(divided[1].level, Level::Fail);

        let alone = found(&[ready("True", 2, json!([replica("a", "1")]))]);
        assert_eq!(alone[1].level, Level::Warn);
        assert_eq!(levels(found(&[])), [(IN_FORCE, Level::Ok)]);
    }
}
