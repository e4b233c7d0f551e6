//! Edits of pods: the contract's functions of the same names. What was read of the place that an edit changes is
//! forgotten.

use crate::contract::edits as raw;
use crate::view::{forget_all, note_edit};
use crate::{Container, EditError, Pod, Probe, Toleration};

/// Functions over a pod or a container, each with what it may have changed.
macro_rules! edits {
    ($($(#[$doc:meta])* $name:ident($on:ident: $type:ty $(, $arg:ident: $arg_type:ty)*) changes $($field:ident),*;)*) => {
        $($(#[$doc])*
        #[doc = "\n\n# Errors\n\nWhen the edit is refused: another policy wrote another value there, or the API server would refuse the result."]
        pub fn $name($on: &$type, rule: &str $(, $arg: $arg_type)*) -> Result<(), EditError> {
            let made = raw::$name($on.raw(), rule $(, $arg)*);
            note_edit();
            let kept = $on.kept();
            $(kept.$field.forget();)*
            let _ = kept;
            made
        })*
    };
}

edits! {
    /// Adds a toleration.
    add_toleration(pod: Pod, toleration: &Toleration) changes tolerations;
    /// Removes a toleration that equals the given one field by field.
    remove_toleration(pod: Pod, toleration: &Toleration) changes tolerations;
    /// Adds an `emptyDir` volume.
    add_volume(pod: Pod, name: &str, medium: Option<&str>, size_limit: Option<&str>) changes volumes;
    /// Sets medium and size limit of an `emptyDir` volume, or makes one of a `hostPath`.
    set_volume_medium_and_size(pod: Pod, name: &str, medium: Option<&str>, size_limit: Option<&str>) changes volumes;
    /// Mounts a volume.
    mount_volume(container: Container, name: &str, mount_path: &str) changes mounts;
    /// Sets the limit of a resource; a request that must be equal follows.
    set_resource(container: Container, name: &str, quantity: &str) changes limits, requests, devices;
    /// Sets the request of a resource alone.
    set_request(container: Container, name: &str, quantity: &str) changes requests, devices;
    /// Removes request and limit of a resource.
    remove_resource(container: Container, name: &str) changes limits, requests, devices;
    /// Gives request and limit of a resource another name, with another quantity if one is given.
    rename_resource(container: Container, name: &str, new_name: &str, quantity: Option<&str>) changes limits, requests, devices;
    /// Sets an environment variable to a literal value.
    set_env(container: Container, name: &str, value: &str) changes env;
    /// Sets a label of the pod.
    set_label(pod: Pod, key: &str, value: &str) changes labels;
    /// Sets an annotation of the pod.
    set_annotation(pod: Pod, key: &str, value: &str) changes annotations;
    /// Sets a value of the node selector.
    set_node_selector(pod: Pod, key: &str, value: &str) changes node_selectors, fields, models, gpu_unit;
    /// Adds an expression to every term of the required node affinity, or makes the first term.
    add_node_affinity(pod: Pod, key: &str, operator: &str, values: &[String]) changes node_terms, models, gpu_unit;
    /// Sets the runtime class.
    set_runtime_class(pod: Pod, name: &str) changes fields;
    /// Sets the priority class.
    set_priority_class(pod: Pod, name: &str) changes fields;
    /// Sets the termination grace period in seconds.
    set_grace_period(pod: Pod, seconds: u32) changes fields;
    /// Adds a scheduling gate.
    set_scheduling_gate(pod: Pod, name: &str) changes fields;
    /// Adds a capability to a container.
    add_capability(container: Container, name: &str) changes fields;
    /// Sets the image pull policy of a container.
    set_image_pull_policy(container: Container, policy: &str) changes fields;
    /// Sets a probe: `liveness`, `readiness` or `startup`.
    set_probe(container: Container, name: &str, probe: &Probe) changes;
}

/// Applies one raw JSON Patch operation, for what the other edits have no word for. Needs the grant `patch`.
///
/// # Errors
///
/// When the edit is refused: without the grant, or at a protected path.
pub fn patch(rule: &str, op: &str, path: &str, value: Option<&str>) -> Result<(), EditError> {
    let made = crate::contract::raw_patch::patch(rule, op, path, value);
    note_edit();
    forget_all();
    made
}
