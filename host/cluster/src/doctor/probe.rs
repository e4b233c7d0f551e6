//! Whether the API server reaches the webhook: it is asked what it would store if a pod came that asks for a GPU.

use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

use super::{Check, in_words};

const NAME: &str = "webhook";

/// How the API server begins when a call fails.
const CALL_FAILED: &str = "failed calling webhook";

/// How it goes on when somebody answers that the object may not be stored.
const DENIED: &str = "denied the request";

/// Tries to create a pod, without storing anything. `refuses` tells whether the API server refuses what nobody
/// answers about; nothing where it asks nobody.
pub(super) async fn check(client: &Client, refuses: Option<bool>) -> Check {
    let Some(refuses) = refuses else {
        return Check::warn(NAME, "not tried, since the API server asks nobody");
    };
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let pod = match serde_json::from_value(pod()) {
        Ok(pod) => pod,
        Err(err) => return Check::warn(NAME, format!("not tried: {err}")),
    };
    let created = pods.create(&params, &pod).await;
    judge(created.map(|pod| is_repaired(&pod)), refuses)
}

fn pod() -> serde_json::Value {
    json!({
        "metadata": {"name": "tollgate-doctor"},
        "spec": {"containers": [
            {"name": "main", "image": "tollgate.dev/doctor:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}},
        ]},
    })
}

/// Whether it has a toleration, which only a policy gives it.
fn is_repaired(pod: &Pod) -> bool {
    let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_ref());
    let mut tolerations = tolerations.into_iter().flatten();
    tolerations.any(|toleration| toleration.key.as_deref() == Some("nvidia.com/gpu"))
}

fn judge(tried: kube::Result<bool>, refuses: bool) -> Check {
    match tried {
        Ok(true) => Check::ok(NAME, "it answers the API server: a pod on trial was repaired"),
        Ok(false) if refuses => {
            Check::ok(NAME, "it answers the API server, or a pod on trial would have been refused")
        }
        Ok(false) => Check::warn(
            NAME,
            "a pod on trial was let in unchanged, as it is also where nobody answers and failure admits",
        )
        .fix("see whether `apiserver_admission_webhook_fail_open_count` grows"),
        Err(err) => refused(&in_words(&err), refuses),
    }
}

fn refused(words: &str, refuses: bool) -> Check {
    if words.contains(CALL_FAILED) {
        let fix = match refuses {
            true => {
                "`tollgate fail-open` if users wait; then what the message says: network policy or port (deadline), certificate (x509), replicas (refused, no endpoints)"
            }
            false => {
                "what the message says: network policy or port (deadline), certificate (x509), replicas (refused, no endpoints)"
            }
        };
        return Check::fail(NAME, format!("the API server does not reach it: {words}")).fix(fix);
    }
    match words.contains(DENIED) && words.contains("tollgate.dev") {
        true => Check::ok(NAME, "it answers the API server: a pod on trial was judged"),
        false => Check::warn(
            NAME,
            format!("a pod on trial in `default` was refused by others: {words}"),
        )
        .fix("run it as somebody who may create pods in the namespace `default`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_call_that_fails_is_told_from_a_denial() {
        let failed = r#"Internal error occurred: failed calling webhook "pods.tollgate.dev": x509: certificate has expired"#;
        let check = refused(failed, true);
        assert_eq!(check.level, Level::Fail);
        assert!(check.message.contains("x509"), "{check:?}");
        assert!(check.fix.unwrap().contains("fail-open"));
        let denied = r#"admission webhook "pods.tollgate.dev" denied the request: no"#;
        assert_eq!(refused(denied, true).level, Level::Ok);
        let other = r#"pods "x" is forbidden: exceeded quota"#;
        assert_eq!(refused(other, true).level, Level::Warn);
    }

    #[test]
    fn an_unchanged_pod_shows_an_answer_only_where_failure_refuses() {
        assert_eq!(judge(Ok(false), true).level, Level::Ok);
        assert_eq!(judge(Ok(false), false).level, Level::Warn);
        assert_eq!(judge(Ok(true), false).level, Level::Ok);
    }
}
