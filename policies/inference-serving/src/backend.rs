//! Routes and pools that lead to no pod.
//!
//! Only where the Service or the pool is known, among what is reviewed together or in a snapshot, and something that takes
//! accelerators in its namespace: elsewhere its pods may come from what nobody showed.

use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

pub(crate) const SELECTS_NOTHING: Rule = Rule::warn(
    "backend-selects-nothing",
    "What a route leads to selects pods: a Service or an InferencePool whose labels no pod has answers every request with 503, and nothing else says so.",
)
.about(KINDS)
.needs(SERVICE);

pub(crate) const ROUTE: &str = "HTTPRoute.gateway.networking.k8s.io";
pub(crate) const INGRESS: &str = "Ingress.networking.k8s.io";
pub(crate) const POOL: &str = "InferencePool.inference.networking.k8s.io";
pub(crate) const OLD_POOL: &str = "InferencePool.inference.networking.x-k8s.io";

const KINDS: &[&str] = &[ROUTE, INGRESS, POOL, OLD_POOL];
const SERVICE: &str = "Service";

/// What a route leads to.
struct Backend {
    /// Where the object names it.
    path: String,
    /// `Kind.group`
    kind: String,
    namespace: String,
    name: String,
}

/// Warns about each backend that selects no pod.
pub(crate) fn report(review: &Review) {
    let backends = match review.kind_dot_group().as_str() {
        ROUTE => of_route(review),
        INGRESS => of_ingress(review),
        kind @ (POOL | OLD_POOL) => itself(review, kind),
        _ => return,
    };
    for backend in &backends {
        let selected = cluster::selected(&backend.kind, &backend.namespace, &backend.name);
        if selected == Some(0) {
            backend.report();
        }
    }
}

fn of_route(review: &Review) -> Vec<Backend> {
    let mut found = Vec::new();
    for (rule, one) in list(review, "/spec/rules").iter().enumerate() {
        let backends = one.get("backendRefs").and_then(Value::as_array);
        for (index, backend) in backends.into_iter().flatten().enumerate() {
            let path = format!("/spec/rules/{rule}/backendRefs/{index}");
            found.extend(of_reference(review, path, backend));
        }
    }
    found
}

/// A backend as the Gateway API names it: a Service unless it says otherwise, in the route's namespace likewise.
fn of_reference(review: &Review, path: String, reference: &Value) -> Option<Backend> {
    let text = |field: &str| reference.get(field).and_then(Value::as_str);
    let kind = text("kind").unwrap_or(SERVICE);
    let kind = match text("group").filter(|group| !group.is_empty()) {
        Some(group) => format!("{kind}.{group}"),
        None => kind.to_owned(),
    };
    let namespace = text("namespace").map(str::to_owned);
    Some(Backend {
        path: path + "/name",
        kind,
        namespace: namespace.or_else(|| review.namespace())?,
        name: text("name")?.to_owned(),
    })
}

fn of_ingress(review: &Review) -> Vec<Backend> {
    let mut places = vec!["/spec/defaultBackend".to_owned()];
    for (rule, one) in list(review, "/spec/rules").iter().enumerate() {
        let paths = one.pointer("/http/paths").and_then(Value::as_array);
        let count = paths.map_or(0, Vec::len);
        places.extend(
            (0..count).map(|index| format!("/spec/rules/{rule}/http/paths/{index}/backend")),
        );
    }
    let service = |place: String| {
        let path = place + "/service/name";
        Some(Backend {
            name: review.text(&path)?,
            path,
            kind: SERVICE.to_owned(),
            namespace: review.namespace()?,
        })
    };
    places.into_iter().filter_map(service).collect()
}

fn itself(review: &Review, kind: &str) -> Vec<Backend> {
    let own = || {
        Some(Backend {
            path: "/spec/selector".to_owned(),
            kind: kind.to_owned(),
            namespace: review.namespace()?,
            name: review.name()?,
        })
    };
    own().into_iter().collect()
}

fn list(review: &Review, place: &str) -> Vec<Value> {
    match review.value(place) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

impl Backend {
    fn report(&self) {
        let Self {
            path, kind, name, ..
        } = self;
        let kind = kind.split('.').next().unwrap_or(kind);
        SELECTS_NOTHING
            .finding(
                path.as_str(),
                format!("the {kind} `{name}` selects no pod that is known: requests fail"),
            )
            .actual(format!("{kind} `{name}`, whose labels no pod has"))
            .allowed("a backend whose selector is among the labels of the pods that serve")
            .fix(format!(
                "give the pods the labels that {kind} `{name}` selects, or correct its selector"
            ))
            .report();
    }
}
