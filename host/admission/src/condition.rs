//! The question whether an object names an accelerator, as an expression that the API server evaluates before it
//! calls a webhook (`matchConditions`, in CEL).
//!
//! It is made of the same table as [`PodView::names_accelerator`](crate::PodView::names_accelerator). An API server
//! gives each webhook a budget for its conditions and takes a condition that costs more as failed; so texts are
//! compared by `in`, `startsWith`, `endsWith` and `contains`, whose cost is small and does not depend on how many
//! rows an `in` has, and never by regular expressions. The names of variables come last, since a pod may have
//! thousands of them.
//!
//! Only functions of CEL itself are used, and `has` instead of optional fields, so that every API server that knows
//! `matchConditions` takes the expression.

use tollgate_gpu::{Pattern, Place};

use crate::accelerator::{CONTAINERS, RESOURCES};

/// An expression that is true for an object with a pod, at one of these places, that names an accelerator. Places
/// are JSON pointers in which `*` stands for every key and every item, as in [`PodPath`](crate::PodPath).
pub fn names_accelerator(places: &[&str]) -> String {
    any_pod(places, &pod_names_one())
}

/// An expression that is true for an object with a pod, at one of these places, that has a privileged container.
pub fn is_privileged(places: &[&str]) -> String {
    let privileged = "has(c.securityContext) && has(c.securityContext.privileged) && c.securityContext.privileged";
    any_pod(
        places,
        &format!("has(p.spec) && ({})", any_container(privileged)),
    )
}

/// The pods are put into a list for `exists`, which gives each a name. CEL has no other way to bind one that every
/// API server knows.
fn any_pod(places: &[&str], condition: &str) -> String {
    let lists: Vec<_> = places.iter().map(|place| pods_at(place)).collect();
    format!("({}).exists(p, {condition})", lists.join(" + "))
}

/// The list of what stands at a place; empty where nothing does.
fn pods_at(place: &str) -> String {
    let tokens: Vec<_> = place.split('/').skip(1).collect();
    below("object", &tokens, 0)
}

fn below(base: &str, tokens: &[&str], depth: usize) -> String {
    let plain = tokens.iter().take_while(|token| **token != "*").count();
    let (fields, rest) = tokens.split_at(plain);
    let (path, present) = descend(base, fields);
    let found = match rest.split_first() {
        None => format!("[{path}]"),
        Some((_, rest)) => each(&path, rest, depth),
    };
    match present.is_empty() {
        true => found,
        false => format!("({present} ? {found} : [])"),
    }
}

/// What stands below each item of a list or each value of a map.
fn each(path: &str, rest: &[&str], depth: usize) -> String {
    let (key, item) = (format!("k{depth}"), format!("i{depth}"));
    let items = format!("(type({path}) == map ? {path}.map({key}, {path}[{key}]) : {path})");
    let plain = rest.iter().take_while(|token| **token != "*").count();
    if plain < rest.len() {
        // Lists of lists cannot be joined in CEL; no kind of the table has such a path.
        return "[]".to_owned();
    }
    let (below, present) = descend(&item, rest);
    match present.is_empty() {
        true => items,
        false => format!("{items}.filter({item}, {present}).map({item}, {below})"),
    }
}

/// The path to a field, and the condition under which it is there.
fn descend(base: &str, fields: &[&str]) -> (String, String) {
    let mut path = base.to_owned();
    let mut present = Vec::new();
    for field in fields {
        path = format!("{path}.{field}");
        present.push(format!("has({path})"));
    }
    (path, present.join(" && "))
}

fn pod_names_one() -> String {
    let annotations = any_key("p.metadata", "annotations", Place::Annotation);
    let spec = [
        "(has(p.spec.resourceClaims) && p.spec.resourceClaims.size() > 0)".to_owned(),
        any_text("p.spec", "runtimeClassName", Place::RuntimeClass),
        any_item(
            "p.spec",
            "tolerations",
            "t",
            &text("t", "key", Place::Toleration),
        ),
        any_item(
            "p.spec",
            "volumes",
            "v",
            &format!(
                "has(v.hostPath) && {}",
                text("v.hostPath", "path", Place::HostPath)
            ),
        ),
        resources("p.spec"),
        any_container(&container_names_one()),
    ];
    format!(
        "(has(p.metadata) && {annotations}) || (has(p.spec) && ({}))",
        spec.join(" || ")
    )
}

fn container_names_one() -> String {
    [
        resources("c"),
        any_item(
            "c",
            "volumeMounts",
            "m",
            &text("m", "mountPath", Place::MountPath),
        ),
        any_item("c", "env", "e", &text("e", "name", Place::Variable)),
    ]
    .join(" || ")
}

/// The lists are joined, so that the condition is written once.
fn any_container(condition: &str) -> String {
    let lists = CONTAINERS.map(|list| format!("(has(p.spec.{list}) ? p.spec.{list} : [])"));
    format!("({}).exists(c, {condition})", lists.join(" + "))
}

fn resources(holder: &str) -> String {
    let maps = RESOURCES.map(|map| any_key(&format!("{holder}.resources"), map, Place::Resource));
    format!("(has({holder}.resources) && ({}))", maps.join(" || "))
}

fn any_key(holder: &str, map: &str, place: Place) -> String {
    format!(
        "(has({holder}.{map}) && {holder}.{map}.exists(k, {}))",
        fits("k", place)
    )
}

fn any_item(holder: &str, list: &str, item: &str, condition: &str) -> String {
    format!("(has({holder}.{list}) && {holder}.{list}.exists({item}, {condition}))")
}

fn any_text(holder: &str, field: &str, place: Place) -> String {
    format!("({})", text(holder, field, place))
}

fn text(holder: &str, field: &str, place: Place) -> String {
    format!(
        "has({holder}.{field}) && ({})",
        fits(&format!("{holder}.{field}"), place)
    )
}

/// Whether a text is as a pattern of the place says.
fn fits(text: &str, place: Place) -> String {
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    for pattern in place.patterns() {
        let quoted = quote(pattern.text());
        match pattern {
            Pattern::Is(_) => whole.push(quoted),
            Pattern::Starts(_) => parts.push(format!("{text}.startsWith({quoted})")),
            Pattern::Ends(_) => parts.push(format!("{text}.endsWith({quoted})")),
            Pattern::Has(_) => parts.push(format!("{text}.contains({quoted})")),
        }
    }
    if !whole.is_empty() {
        parts.push(format!("{text} in [{}]", whole.join(", ")));
    }
    parts.join(" || ")
}

/// A text as a literal. The table has nothing that needs escaping.
fn quote(text: &str) -> String {
    format!("'{text}'")
}

#[cfg(test)]
mod tests;
