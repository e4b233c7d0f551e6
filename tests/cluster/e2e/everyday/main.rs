//! The everyday group: a control plane, fake GPU nodes, and the controllers that make most GPU pods.

#![allow(
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests over JSON values, where indexing reads null for what is absent"
)]

mod configuration;
mod control_plane;
mod replicas;
mod systems;

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        control_plane::gpu_pods_without_toleration_stay_pending_on_every_model,
        control_plane::gpu_pods_with_toleration_run,
        control_plane::claims_for_devices_are_allocated_until_none_is_left,
        control_plane::jobs_run_until_asked_to_complete,
        control_plane::objects_outlive_a_killed_api_server_and_etcd,
        replicas::pods_run_while_replicas_are_stopped_and_killed,
        replicas::denials_reach_whoever_creates_the_pod,
        systems::pytorchjob,
        systems::tfjob,
        systems::mpijob,
        systems::xgboostjob,
        systems::jaxjob,
        systems::paddlejob,
        systems::jobset,
        systems::leaderworkerset,
        systems::trainjob,
        systems::raycluster,
        systems::kueue,
        systems::mpi_operator,
        systems::pytorchjob_with_tollgate,
        systems::tfjob_with_tollgate,
        systems::mpijob_with_tollgate,
        systems::xgboostjob_with_tollgate,
        systems::jaxjob_with_tollgate,
        systems::paddlejob_with_tollgate,
        systems::jobset_with_tollgate,
        systems::leaderworkerset_with_tollgate,
        systems::trainjob_with_tollgate,
        systems::raycluster_with_tollgate,
        systems::kueue_with_tollgate,
        systems::mpi_operator_with_tollgate,
        configuration::changes_are_in_force_within_a_second_and_reported,
        configuration::a_bad_policy_is_refused_and_its_last_good_version_stays,
        configuration::the_api_server_takes_what_files_may_say,
    ])
}
