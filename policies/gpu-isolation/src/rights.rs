//! What containers may do beyond their own devices.

use tollgate_sdk::gpu::{self, names_no_device};
use tollgate_sdk::prelude::*;

use crate::asked::{Member, Subject};

pub(crate) const PRIVILEGED: Rule = Rule::deny(
    "privileged",
    "A privileged container has every device of the node, whatever it was given: it can use the accelerators of its neighbours (NVIDIA/k8s-device-plugin, issue 1294).",
);
pub(crate) const DEBUG: Rule = Rule::deny(
    "debug-container",
    "A debug container cannot ask for devices, so one that is privileged or names devices to the runtime takes some that no quota counts.",
);
pub(crate) const RIGHTS: Rule = Rule::deny(
    "device-rights",
    "A pod with accelerators has no rights over those of others: NVIDIA's variables for configuring and watching MIG and for IMEX channels reach all GPUs of the node or join an NVLink domain, and so does the capability SYS_ADMIN.",
);

/// Refuses privilege, debug containers that have it, and rights over the devices of others.
pub(crate) fn report(subject: &Subject<'_>) {
    let is_concerned = subject.gives_devices || subject.asks();
    for member in &subject.members {
        if member.container.privileged() {
            report_privileged(member);
        } else if is_concerned {
            report_capabilities(member);
        }
        report_variables(member);
    }
}

fn report_privileged(member: &Member) {
    let (rule, fix) = match member.is_ephemeral {
        true => (
            DEBUG,
            "debug without privilege: `kubectl debug --profile=general`",
        ),
        false => (
            PRIVILEGED,
            "take `privileged` out and ask for the devices in the limits; RDMA needs no more than the capability IPC_LOCK",
        ),
    };
    let asks = match member.asks {
        true => "whatever it asks for",
        false => "and it asks for none",
    };
    rule.finding(
        format!("{}/securityContext/privileged", member.container.path()),
        format!(
            "{} is privileged: it has every accelerator of the node, {asks}",
            member.title()
        ),
    )
    .actual("privileged: true")
    .allowed("privileged: false")
    .fix(fix)
    .report();
}

fn report_capabilities(member: &Member) {
    for (index, written) in member.container.capabilities().iter().enumerate() {
        let capability = written.to_ascii_uppercase();
        let capability = capability.strip_prefix("CAP_").unwrap_or(&capability);
        if !matches!(capability, "SYS_ADMIN" | "ALL") {
            continue;
        }
        let place = "securityContext/capabilities/add";
        RIGHTS
            .finding(
                format!("{}/{place}/{index}", member.container.path()),
                format!(
                    "{} adds the capability {written}, with which it can reconfigure the accelerators of all",
                    member.title()
                ),
            )
            .actual(written.as_str())
            .allowed("capabilities that do not administer the node, such as IPC_LOCK")
            .fix(format!("take {written} out, and add the capability that is needed"))
            .report();
    }
}

fn report_variables(member: &Member) {
    let there = gpu::RIGHTS_VARIABLES
        .iter()
        .filter_map(|name| member.container.env(name));
    for var in there {
        if var.value.as_deref().is_some_and(names_no_device) {
            continue;
        }
        let (name, value) = (&var.name, var.value.as_deref().unwrap_or("a reference"));
        RIGHTS
            .finding(
                member.env_place(name),
                format!(
                    "{} sets {name} to `{value}`, which gives it rights over GPUs that are not its own",
                    member.title()
                ),
            )
            .actual(format!("{name}={value}"))
            .allowed("no such variable in workloads")
            .fix(match name.ends_with("CHANNELS") {
                true => format!("take {name} out, and claim a channel of a ComputeDomain"),
                false => format!("take {name} out; MIG is configured by the MIG manager of the GPU operator"),
            })
            .report();
    }
}
