//! What a container runtime is told to give to containers.

use tollgate_sdk::EnvVar;
use tollgate_sdk::gpu::{self, NodePathKind, names_no_device};
use tollgate_sdk::prelude::*;

use crate::asked::{Member, Subject};
use crate::rights::DEBUG;

pub(crate) const VISIBLE: Rule = Rule::deny(
    "visible-devices",
    "A container that asks for no accelerator does not name any to the container runtime, by `NVIDIA_VISIBLE_DEVICES`, another vendor's variable, an annotation or a mount: it would get devices that belong to others, and neither scheduler nor quota would know (NVIDIA/k8s-device-plugin, issues 87, 195, 548 and 1605).",
);
pub(crate) const VOID: Rule = Rule::repair(
    "void-devices",
    "A container without devices in a pod with NVIDIA's GPUs gets `NVIDIA_VISIBLE_DEVICES=void`, because CUDA images set it to `all` by themselves, and where NVIDIA's is the default runtime that gives them every GPU of the node.",
);

const NVIDIA: &str = "NVIDIA_VISIBLE_DEVICES";

/// The last part of the folder whose mounts name devices.
const DEVICE_MOUNTS: &str = "nvidia-container-devices";

/// Hides NVIDIA's GPUs from containers that ask for none.
pub(crate) fn hide(subject: &Subject<'_>, every_pod: bool) -> Outcome {
    // KAI and Run:ai write the variable themselves, into a container that the manifest does not tell.
    let is_concerned = (every_pod || subject.asks_nvidia()) && !subject.has_fraction;
    if !is_concerned || subject.pod.os().as_deref() == Some("windows") {
        return Ok(());
    }
    let without = subject
        .members
        .iter()
        .filter(|member| !member.asks && !member.is_ephemeral);
    for member in without {
        if member.container.env(NVIDIA).is_none() && !has_injected(subject.pod, member) {
            edits::set_env(&member.container, VOID.id, NVIDIA, "void")?;
        }
    }
    Ok(())
}

/// Whether an injector gives a container devices by an annotation of its name.
fn has_injected(pod: &Pod, member: &Member) -> bool {
    let name = member.container.name();
    let mut keys = gpu::PATH_ANNOTATIONS.iter();
    keys.any(|start| {
        pod.annotation(&format!("{start}container.{name}"))
            .is_some()
    })
}

/// Refuses containers that name devices which they did not ask for.
pub(crate) fn report(subject: &Subject<'_>) {
    report_annotations(subject);
    for member in &subject.members {
        report_mounts(member);
        if member.asks {
            continue;
        }
        let there = gpu::RUNTIME_VARIABLES
            .iter()
            .filter_map(|row| member.container.env(row.name));
        for var in there {
            report_variable(subject, member, &var);
        }
    }
}

fn report_variable(subject: &Subject<'_>, member: &Member, var: &EnvVar) {
    let value = match (&var.value, &var.value_from) {
        (Some(value), _) if names_no_device(value) => return,
        (Some(value), _) => format!("`{value}`"),
        // So do KAI and Run:ai hand out parts of GPUs.
        (None, Some(from)) if subject.has_fraction && from == "configMapKeyRef" => return,
        (None, from) => format!("what `{}` holds", from.as_deref().unwrap_or("valueFrom")),
    };
    let rule = if member.is_ephemeral { DEBUG } else { VISIBLE };
    let name = &var.name;
    rule.finding(
        member.env_place(name),
        format!(
            "{} sets {name} to {value} but asks for no accelerator: it would get devices of the node that belong to others",
            member.title()
        ),
    )
    .actual(format!("{name}={}", value.trim_matches('`')))
    .allowed("`void`, or no such variable")
    .fix(match member.is_ephemeral {
        true => format!("take {name} out: a debug container cannot ask for devices; debug in the container that has them"),
        false => format!("take {name} out, and ask for the devices in the limits of the container"),
    })
    .report();
}

fn report_annotations(subject: &Subject<'_>) {
    let pod = subject.pod;
    for (key, value) in pod.annotations().iter() {
        if !injects_accelerators(subject, key, value) {
            continue;
        }
        VISIBLE
            .finding(
                tollgate_sdk::below(&pod.path(), &["metadata", "annotations", key]),
                format!("the annotation `{key}` has accelerators injected into containers past every request"),
            )
            .actual(value.as_str())
            .allowed("no such annotation")
            .fix("take the annotation off, and ask for the devices in the limits of the container")
            .report();
    }
}

/// Whether an annotation has accelerators injected. By path that is right beside a request: so GKE gives the daemon of
/// GPUDirect the GPUs of its pod.
fn injects_accelerators(subject: &Subject<'_>, key: &str, value: &str) -> bool {
    let starts = |starts: &[&str]| starts.iter().any(|start| key.starts_with(start));
    starts(gpu::INJECTING_ANNOTATIONS)
        || starts(gpu::PATH_ANNOTATIONS) && !subject.asks() && names_accelerator(value)
}

/// Whether a text has the path of an accelerator in it.
fn names_accelerator(text: &str) -> bool {
    let mut words =
        text.split(|letter: char| letter.is_whitespace() || "\"',[]{}".contains(letter));
    words.any(|word| {
        let place = word
            .starts_with('/')
            .then(|| gpu::leads_to(&gpu::resolve(word)));
        place
            .flatten()
            .is_some_and(|place| place.kind == NodePathKind::Devices)
    })
}

fn report_mounts(member: &Member) {
    for (index, mount) in member.container.mounts().iter().enumerate() {
        let path = &mount.mount_path;
        // The runtime looks at the folder's name alone, whatever volume is behind the mount.
        if !path.split('/').any(|part| part == DEVICE_MOUNTS) {
            continue;
        }
        let rule = if member.is_ephemeral { DEBUG } else { VISIBLE };
        rule.finding(
            format!("{}/volumeMounts/{index}/mountPath", member.container.path()),
            format!(
                "{} mounts a volume at `{path}`, by which NVIDIA's runtime takes the name of a device to give it",
                member.title()
            ),
        )
        .actual(path)
        .allowed(format!("paths outside {}", gpu::DEVICE_MOUNTS))
        .fix("take the mount out, and ask for the devices in the limits of the container")
        .report();
    }
}
