//! The rights of a replica: what the chart's `rbac.yaml` grants, asked of the API server one by one.

use std::collections::BTreeSet;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::Value;
use tollgate_catalog::yaml;

use super::{Check, listed};
use crate::{owners, state};

const NAME: &str = "rights";

/// What is installed, so that there is one list of rights.
const RIGHTS: &str = include_str!("../../../../deploy/chart/files/rbac.yaml");

/// The service account of the replicas.
const ACCOUNT: &str = "tollgate";

/// The namespace of Tollgate in [`RIGHTS`].
const WRITTEN: &str = "tollgate-system";

/// A thing that a replica does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    verb: String,
    group: String,
    resource: String,
    name: Option<String>,
    namespace: Option<String>,
}

/// Whose rights are asked for.
enum Whom {
    /// The replicas', which only who may ask for others can.
    Account(String),
    /// The caller's own.
    Own,
}

/// Asks for every right.
pub(super) async fn check(client: &Client, namespace: &str) -> Vec<Check> {
    let mut whom = Whom::Account(namespace.to_owned());
    let (mut missing, mut optional) = (Vec::new(), Vec::new());
    for right in rights(namespace) {
        let mut allowed = is_allowed(client, &whom, &right).await;
        if let (Err(kube::Error::Api(status)), Whom::Account(_)) = (&allowed, &whom)
            && status.code == 403
        {
            whom = Whom::Own;
            allowed = is_allowed(client, &whom, &right).await;
        }
        match allowed {
            Ok(true) => {}
            Ok(false) if right.is_optional() => optional.push(right.to_string()),
            Ok(false) => missing.push(right.to_string()),
            Err(err) => return vec![Check::untold(NAME, &err)],
        }
    }
    let who = match &whom {
        Whom::Account(namespace) => format!("the service account {namespace}/{ACCOUNT}"),
        Whom::Own => "you, whose rights alone could be asked for,".to_owned(),
    };
    let fix = "`kubectl apply -f deploy/chart/files/rbac.yaml`, or `helm upgrade` where the chart installed it";
    let needed = match missing.as_slice() {
        [] => Check::ok(NAME, format!("{who} may do all that a replica does")),
        missing => Check::fail(NAME, format!("{who} may not {}", listed(missing))).fix(fix),
    };
    let left_out = (!optional.is_empty()).then(|| {
        let message = format!(
            "{who} may not {}; rules that need to know them are quiet, and fewer owners are told of refused pods",
            listed(&optional)
        );
        Check::warn(NAME, message).fix(fix)
    });
    [needed].into_iter().chain(left_out).collect()
}

async fn is_allowed(client: &Client, whom: &Whom, right: &Right) -> kube::Result<bool> {
    let attributes = Some(right.attributes());
    let params = PostParams::default();
    let status = match whom {
        Whom::Account(namespace) => {
            let spec = SubjectAccessReviewSpec {
                resource_attributes: attributes,
                user: Some(format!("system:serviceaccount:{namespace}:{ACCOUNT}")),
                groups: Some(vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                    "system:authenticated".to_owned(),
                ]),
                ..SubjectAccessReviewSpec::default()
            };
            let review = SubjectAccessReview {
                spec,
                ..SubjectAccessReview::default()
            };
            Api::all(client.clone())
                .create(&params, &review)
                .await?
                .status
        }
        Whom::Own => {
            let spec = SelfSubjectAccessReviewSpec {
                resource_attributes: attributes,
                ..SelfSubjectAccessReviewSpec::default()
            };
            let review = SelfSubjectAccessReview {
                spec,
                ..SelfSubjectAccessReview::default()
            };
            Api::all(client.clone())
                .create(&params, &review)
                .await?
                .status
        }
    };
    Ok(status.is_some_and(|status| status.allowed))
}

impl Right {
    fn attributes(&self) -> ResourceAttributes {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (self.resource.as_str(), None),
        };
        ResourceAttributes {
            group: Some(self.group.clone()),
            resource: Some(resource.to_owned()),
            subresource,
            verb: Some(self.verb.clone()),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            ..ResourceAttributes::default()
        }
    }

    /// Whether a replica does without it.
    fn is_optional(&self) -> bool {
        let Self {
            verb,
            group,
            resource,
            ..
        } = self;
        match verb.as_str() {
            "get" => owners::is_asked_about(group, resource),
            _ => state::is_optional(group, resource),
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            verb,
            group,
            resource,
            name,
            namespace,
        } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = name {
            write!(f, " `{name}`")?;
        }
        match namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => Ok(()),
        }
    }
}

/// All rights that the roles of the file grant, with Tollgate in a namespace.
fn rights(namespace: &str) -> BTreeSet<Right> {
    let documents = yaml::documents("rbac.yaml", RIGHTS.as_bytes()).into_iter();
    let roles = documents.filter_map(|document| document.content.ok());
    roles.flat_map(|role| rights_of(&role, namespace)).collect()
}

fn rights_of(role: &Value, own: &str) -> Vec<Right> {
    let namespace = role.pointer("/metadata/namespace").and_then(Value::as_str);
    let namespace = namespace.map(|name| if name == WRITTEN { own } else { name });
    let rules = role.get("rules").and_then(Value::as_array);
    let mut rights = Vec::new();
    for rule in rules.into_iter().flatten() {
        let names = match texts(rule, "resourceNames") {
            names if names.is_empty() => vec![None],
            names => names.into_iter().map(Some).collect(),
        };
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for verb in texts(rule, "verbs") {
                    rights.extend(names.iter().map(|name| Right {
                        verb: verb.clone(),
                        group: group.clone(),
                        resource: resource.clone(),
                        name: name.clone(),
                        namespace: namespace.map(str::to_owned),
                    }));
                }
            }
        }
    }
    rights
}

fn texts(rule: &Value, key: &str) -> Vec<String> {
    let texts = rule.get(key).and_then(Value::as_array);
    let texts = texts.into_iter().flatten();
    texts
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::rights;

    #[test]
    fn the_rights_are_those_of_the_chart_in_any_namespace() {
        let all: Vec<_> = rights("gpu-gate").iter().map(ToString::to_string).collect();
        let has = |right: &str| all.iter().any(|it| it == right);
        assert!(has("watch policies.tollgate.dev"), "{all:#?}");
        assert!(has(
            "update leases.coordination.k8s.io `tollgate` in gpu-gate"
        ));
        assert!(has("create events.events.k8s.io"), "{all:#?}");
        assert!(has("patch budgets/status.tollgate.dev"));
        let optional = rights("gpu-gate");
        let optional = optional.iter().filter(|right| right.is_optional()).count();
        assert_eq!(
            optional,
            2 * (27 + 6) + 4,
            "list and watch of 27 kinds and of six config maps, get of four kinds of owners"
        );
    }
}
