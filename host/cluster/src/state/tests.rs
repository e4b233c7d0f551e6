use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tollgate_catalog::Context;
use tollgate_context::Snapshot;

use super::follow;

/// What an API server serves: its groups with a version, and its lists by their path.
#[derive(Clone, Default)]
struct Serves {
    groups: Vec<&'static str>,
    lists: Vec<(&'static str, Value)>,
}

const QUEUES: &str = "/apis/kueue.x-k8s.io/v1beta1/localqueues";
const QUEUE: &str = "LocalQueue.kueue.x-k8s.io";
const CONFIG: &str = "metadata.name%3Dtime-slicing-config";

fn named(namespace: Option<&str>, name: &str) -> Value {
    json!([{"metadata": {"name": name, "namespace": namespace}}])
}

/// An API server that serves nodes and the older version of Kueue, and nothing else.
fn little() -> Serves {
    Serves {
        groups: vec!["kueue.x-k8s.io/v1beta1"],
        lists: vec![
            ("/api/v1/nodes", named(None, "gpu-1")),
            (QUEUES, named(Some("ml"), "team")),
        ],
    }
}

/// Follows what is served; the sender changes that.
fn following(serves: Serves) -> (watch::Sender<Serves>, watch::Sender<bool>, Context) {
    let (server, served) = watch::channel(serves);
    let client = Client::new(
        tower::service_fn(move |request| answer(request, served.clone())),
        "default",
    );
    let (asks, is_asked) = watch::channel(true);
    let context = Context::default();
    tokio::spawn(follow(client, context.clone(), is_asked));
    (server, asks, context)
}

async fn answer(
    request: Request<Body>,
    mut served: watch::Receiver<Serves>,
) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    drop(body.collect().await);
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let serves = served.borrow_and_update().clone();
    let mut lists = serves.lists.into_iter();
    Ok(match lists.find(|(list, _)| *list == path) {
        _ if path == "/apis" => said(StatusCode::OK, &groups(&serves.groups)),
        // No other config map may be read.
        Some(("/api/v1/configmaps", _)) if !query.contains(CONFIG) => {
            refused(StatusCode::FORBIDDEN)
        }
        // A watch ends when something else is served.
        Some(_) if query.contains("watch") => {
            let _ended = served.changed().await;
            Response::new(Body::empty())
        }
        Some((_, items)) => {
            let list = json!({"metadata": {"resourceVersion": "1"}, "items": items});
            said(StatusCode::OK, &list)
        }
        None => refused(StatusCode::NOT_FOUND),
    })
}

fn groups(versions: &[&str]) -> Value {
    let groups = versions.iter().map(|version| {
        let (name, number) = version.split_once('/').unwrap();
        json!({"name": name, "versions": [{"groupVersion": version, "version": number}]})
    });
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
}

fn refused(code: StatusCode) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Refused", "code": code.as_u16(),
        "message": "the server refuses",
    });
    said(code, &status)
}

fn said(code: StatusCode, answer: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
    *response.status_mut() = code;
    response
}

/// Waits until a snapshot is as expected.
async fn until(context: &Context, holds: impl Fn(&Snapshot) -> bool) {
    let holds = async {
        while !holds(&context.load()) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), holds)
        .await
        .expect("what is known should become as expected");
}

fn queues(snapshot: &Snapshot) -> Option<Vec<String>> {
    let known = snapshot.names(QUEUE, Some("ml"))?;
    assert!(known.is_complete);
    Some(known.values)
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test]
async fn what_is_not_served_hinders_nothing_that_is() {
    let (_server, asks, context) = following(little());
    until(&context, |snapshot| {
        queues(snapshot) == names(&["team"]) && snapshot.knows_all_nodes()
    })
    .await;
    let snapshot = context.load();
    assert_eq!(snapshot.offers().len(), 1);
    assert_eq!(snapshot.names("Deployment.apps", Some("ml")), None);
    assert_eq!(snapshot.schedulers(), None, "pods may not be read");
    asks.send_replace(false);
    until(&context, |snapshot| !snapshot.knows_all_nodes()).await;
    assert!(!context.load().knows(QUEUE), "nobody asks");
    asks.send_replace(true);
    until(&context, |snapshot| queues(snapshot).is_some()).await;
}

#[tokio::test]
async fn definitions_are_taken_up_when_they_come_and_let_go_when_they_go() {
    let none = Serves {
        groups: Vec::new(),
        lists: vec![("/api/v1/nodes", named(None, "gpu-1"))],
    };
    let (server, _asks, context) = following(none.clone());
    until(&context, Snapshot::knows_all_nodes).await;
    assert_eq!(queues(&context.load()), None);
    server.send_replace(little());
    until(&context, |snapshot| queues(snapshot) == names(&["team"])).await;
    server.send_replace(none);
    until(&context, |snapshot| queues(snapshot).is_none()).await;
    assert!(
        context.load().knows_all_nodes(),
        "what stays is still known"
    );
    // A newer version is wanted more, once it is there.
    let newer = Serves {
        groups: vec!["kueue.x-k8s.io/v1beta1", "kueue.x-k8s.io/v1beta2"],
        lists: vec![(
            "/apis/kueue.x-k8s.io/v1beta2/localqueues",
            named(Some("ml"), "newer"),
        )],
    };
    server.send_replace(newer);
    until(&context, |snapshot| queues(snapshot) == names(&["newer"])).await;
}

#[tokio::test]
async fn of_config_maps_the_one_is_read_that_the_operators_policy_names() {
    let policy = json!([{"metadata": {"name": "cluster-policy"}, "spec": {"devicePlugin": {"config": {"name": "time-slicing-config", "default": "any"}}}}]);
    let slices = "sharing: {timeSlicing: {resources: [{name: nvidia.com/gpu, replicas: 4}]}}";
    let config = json!([{"metadata": {"name": "time-slicing-config", "namespace": "gpu-operator"}, "data": {"any": slices, "password": "secret"}}]);
    let serves = Serves {
        groups: vec!["nvidia.com/v1"],
        lists: vec![
            ("/api/v1/nodes", named(None, "gpu-1")),
            ("/apis/nvidia.com/v1/clusterpolicies", policy),
            ("/api/v1/configmaps", config),
        ],
    };
    let (_server, _asks, context) = following(serves);
    until(&context, |snapshot| {
        let mut offers = snapshot.offers().iter();
        offers.any(|node| node.unit().replicas() == Some(4))
    })
    .await;
    let snapshot = context.load();
    let map = snapshot.object("ConfigMap", Some("gpu-operator"), "time-slicing-config");
    assert_eq!(
        map.unwrap()["data"],
        json!({"any": slices}),
        "and nothing else of it is kept"
    );
}
