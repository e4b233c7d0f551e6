//! Which requests are nobody's business.

use serde_json::Value;
use tollgate_admission::{GroupVersionKind, Kind, Kinds, Operation, PodView, Request, Review};
use tollgate_catalog::{Catalog, Entry};
use tollgate_context::{SCALE, lend};

use crate::outcome::Outcome;
use crate::review::Phase;

/// The annotation of mirror pods, which the kubelet makes of its own manifests.
const MIRROR: &str = "/metadata/annotations/kubernetes.io~1config.mirror";

/// A request that policies judge, with the object as it was before an update.
pub(crate) struct Relevant {
    review: Box<Review>,
    old: Option<Box<Review>>,
}

impl Relevant {
    pub(crate) fn split(self) -> (Box<Review>, Option<Box<Review>>) {
        (self.review, self.old)
    }
}

/// Takes the request on, or tells why nobody needs to look at it.
pub(crate) fn check(
    catalog: &Catalog,
    mut request: Request,
    phase: Phase,
) -> Result<Relevant, Box<Outcome>> {
    if let Some(why) = why_not(catalog, &request, phase) {
        return Err(Box::new(Outcome::skipped(request, why)));
    }
    let find_pods = |request| Box::new(Review::new(request, &catalog.kinds));
    let old = before_update(&mut request).map(find_pods);
    let mut review = find_pods(request);
    let makes_pods = kind_of(catalog, review.request()).is_some_and(Kind::makes_pods);
    let why_not = match makes_pods {
        true => why_not_for_its_pods(old.as_deref(), &review, phase),
        false => old
            .as_deref()
            .is_some_and(|old| same_but_for_metadata(old.object(), review.object()))
            .then_some("it does not change"),
    };
    let why_not = why_not.or_else(|| match (makes_pods, &old) {
        (true, Some(old)) => {
            review.follow(old);
            None
        }
        (true, None) => None,
        (false, _) => why_not_for_what_it_scales(catalog, &mut review),
    });
    match why_not {
        Some(why) => {
            let (request, _) = review.into_parts();
            Err(Box::new(Outcome::skipped(request, why)))
        }
        None => Ok(Relevant { review, old }),
    }
}

fn why_not_for_its_pods(old: Option<&Review>, new: &Review, phase: Phase) -> Option<&'static str> {
    if old.is_some_and(|old| same_pods(old, new)) {
        return Some("its pods do not change");
    }
    (!concerns_accelerators(new, phase)).then_some("it names no accelerator")
}

/// Lends the review the pods of what its object scales. Of a write of `scale` there is nothing else to look at.
fn why_not_for_what_it_scales(catalog: &Catalog, review: &mut Review) -> Option<&'static str> {
    lend(review, &catalog.context.load(), &catalog.kinds);
    let is_scale = review.request().gvk.kind_dot_group() == SCALE;
    let is_idle = is_scale && review.pods().next().is_none();
    is_idle.then_some("nothing is known of accelerators that it scales")
}

fn kind_of<'a>(catalog: &'a Catalog, request: &Request) -> Option<&'a Kind> {
    let GroupVersionKind { group, kind, .. } = &request.gvk;
    catalog.kinds.find(group, kind)
}

/// Whether the API server would ask about the object: the webhook gives the same answer whether or not the
/// conditions of its registration are in force. A privileged pod sees every device without naming any, so it is
/// validated. A dry run looks at everything: it has no other pods to keep from harm.
fn concerns_accelerators(review: &Review, phase: Phase) -> bool {
    review.pods().any(|pod| match phase {
        Phase::DryRun => true,
        Phase::Mutate => pod.names_accelerator(),
        Phase::Validate => pod.names_accelerator() || pod.is_privileged(),
    })
}

/// The request as it would be for the object before an update. The new object is not copied for it.
fn before_update(request: &mut Request) -> Option<Request> {
    if request.operation != Operation::Update || request.old_object.is_none() {
        return None;
    }
    let object = std::mem::take(&mut request.object);
    let mut before = request.clone();
    request.object = object;
    before.object = before.old_object.take()?;
    Some(before)
}

fn why_not(catalog: &Catalog, request: &Request, phase: Phase) -> Option<&'static str> {
    if !matches!(request.operation, Operation::Create | Operation::Update) {
        return Some("nothing is judged when an object goes");
    }
    let Some(kind) = kind_of(catalog, request) else {
        return Some("its kind makes no pods that Tollgate knows of");
    };
    if !kind.makes_pods() && !is_judged(catalog, kind) {
        return Some("no policy in force judges its kind");
    }
    if phase == Phase::Mutate && !(kind.is_pod() && request.operation == Operation::Create) {
        return Some("only new pods are changed");
    }
    if !request.object.is_object() {
        return Some("there is no object");
    }
    if request
        .object
        .pointer("/metadata/deletionTimestamp")
        .is_some_and(|time| !time.is_null())
    {
        return Some("it is being deleted");
    }
    if is_mirror(&request.object) {
        return Some("it is a mirror pod");
    }
    if !kind.is_pod() && made_by_a_reviewed_controller(&request.object, &catalog.kinds) {
        return Some("its controller was reviewed");
    }
    let namespace = request.namespace.as_deref()?;
    catalog
        .is_exempt(namespace)
        .then_some("its namespace is exempt")
}

/// Whether a pod is the image of one that the kubelet runs of its own manifests.
pub(crate) fn is_mirror(pod: &Value) -> bool {
    pod.pointer(MIRROR).is_some()
}

fn is_judged(catalog: &Catalog, kind: &Kind) -> bool {
    let name = kind.kind_dot_group();
    let judges = |entry: &Entry| entry.info.judges(&name, kind.makes_pods());
    catalog.entries.iter().any(judges)
}

/// Whether the object's controller is of a kind that the webhook judges, and its pods with it.
fn made_by_a_reviewed_controller(object: &Value, kinds: &Kinds) -> bool {
    let owners = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    let text =
        |owner: &Value, field: &str| owner.get(field).and_then(Value::as_str).map(str::to_owned);
    owners.into_iter().flatten().any(|owner| {
        let controls = owner
            .get("controller")
            .and_then(Value::as_bool)
            .unwrap_or_default();
        let gvk = text(owner, "apiVersion")
            .zip(text(owner, "kind"))
            .map(|(version, kind)| GroupVersionKind::new(&version, &kind));
        let kind = gvk.and_then(|gvk| kinds.find(&gvk.group, &gvk.kind));
        controls && kind.is_some_and(Kind::is_registered)
    })
}

/// Whether an update leaves every pod as it was. Only what pods are made of counts: a Pod's own status and
/// metadata besides labels and annotations do not.
fn same_pods(old: &Review, new: &Review) -> bool {
    let same = |(old, new): (PodView<'_>, PodView<'_>)| {
        old.count() == new.count() && old.path() == new.path() && old.substance() == new.substance()
    };
    old.pods().count() == new.pods().count() && old.pods().zip(new.pods()).all(same)
}

/// Whether an update leaves an object that makes no pods as it was: but for its status, and for its metadata besides
/// annotations, which configure node groups.
fn same_but_for_metadata(old: &Value, new: &Value) -> bool {
    let fields = |object: &Value| {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        let metadata = fields.remove("metadata").unwrap_or_default();
        fields.remove("status");
        (fields, metadata.get("annotations").cloned())
    };
    fields(old) == fields(new)
}
