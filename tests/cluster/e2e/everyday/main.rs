//! The everyday group: a control plane, fake GPU nodes, and the controllers that make most GPU pods.

mod control_plane;

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        control_plane::gpu_pods_without_toleration_stay_pending_on_every_model,
        control_plane::gpu_pods_with_toleration_run,
        control_plane::claims_for_devices_are_allocated_until_none_is_left,
        control_plane::jobs_run_until_asked_to_complete,
    ])
}
