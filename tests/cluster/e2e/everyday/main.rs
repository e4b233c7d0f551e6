//! The everyday group: a control plane, fake GPU nodes, and the controllers that make most GPU pods.

#![allow(
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests over JSON values, where indexing reads null for what is absent"
)]

mod admission;
mod applied;
mod budgets;
mod calm;
mod chart;
mod configuration;
mod control_plane;
mod definitions;
mod farewell;
mod foretold;
mod golden;
mod known;
mod operate;
mod owners;
mod page;
mod path;
mod plugin;
mod pods;
mod stream;
mod systems;
mod upheaval;

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        control_plane::gpu_pods_without_toleration_stay_pending_on_every_model,
        control_plane::gpu_pods_with_toleration_run,
        control_plane::claims_for_devices_are_allocated_until_none_is_left,
        control_plane::jobs_run_until_asked_to_complete,
        control_plane::objects_outlive_a_killed_api_server_and_etcd,
        admission::what_cannot_run_is_refused_at_apply,
        admission::slices_run_on_nodes_that_have_them,
        admission::pods_with_claims_are_left_as_they_are_and_run,
        admission::mirror_pods_are_left_as_they_are,
        admission::a_debug_container_that_takes_devices_is_refused,
        admission::a_pod_that_another_webhook_makes_bad_is_refused,
        admission::deployments_under_a_scaler_get_pods_that_run,
        foretold::golden_pods_become_what_review_foretells,
        foretold::real_pods_become_what_review_foretells,
        golden::every_repair_is_taken_and_its_pod_runs,
        golden::every_denial_is_what_the_api_server_says,
        plugin::every_toleration_of_the_api_servers_plugin_is_ours_too,
        known::what_objects_refer_to_is_known_within_a_second,
        known::unknown_classes_of_pods_are_refused_by_the_api_server,
        applied::every_kind_of_kubernetes_is_refused_when_broken,
        applied::every_kind_of_ray_and_trainer_is_refused_when_broken,
        applied::what_others_operate_passes_untouched_also_while_nobody_answers,
        calm::objects_without_accelerators_cause_no_call,
        calm::nothing_else_stops_while_nobody_answers,
        calm::a_new_rule_leaves_what_exists_alone,
        budgets::of_many_pods_at_once_exactly_those_that_fit_are_let_in,
        budgets::a_replica_that_is_killed_lets_nobody_in_beyond_the_budget,
        budgets::what_fails_later_is_given_back_by_proof_or_time_and_never_early,
        budgets::what_ends_goes_or_waits_takes_nothing,
        budgets::pods_that_are_there_count_from_the_first_second_of_a_budget,
        budgets::late::a_create_that_is_held_up_keeps_its_reservation_and_is_charged_once,
        budgets::late::what_another_webhook_refuses_is_given_back_by_proof_or_time_and_never_early,
        budgets::clocks::replicas_whose_clocks_differ_let_in_what_fits_and_no_more,
        budgets::early::what_can_never_fit_is_refused_before_its_pods_are_made,
        budgets::scope::pods_that_come_into_the_scope_count_at_once,
        budgets::quota::a_budget_of_whole_gpus_says_what_a_resource_quota_says,
        upheaval::no_call_fails_while_replicas_follow_one_another,
        upheaval::no_call_fails_while_certificates_follow_one_another,
        upheaval::no_call_is_judged_by_two_versions_of_a_policy,
        upheaval::all_is_right_again_soon_after_a_crash,
        upheaval::connections::all_is_right_again_soon_after_nobody_could_connect,
        upheaval::connections::all_is_right_again_soon_after_watches_were_forgotten,
        upheaval::connections::a_connection_that_falls_silent_is_noticed,
        upheaval::clock::a_leader_whose_clock_jumps_harms_nothing,
        farewell::a_cluster_that_starts_cold_does_not_wait_for_tollgate,
        farewell::an_uninstalled_tollgate_leaves_nothing_behind,
        page::only_who_may_look_is_let_in,
        page::every_replica_says_who_holds_what_and_how_busy_it_is,
        chart::the_api_server_takes_all_that_is_rendered,
        chart::a_release_comes_changes_and_goes,
        operate::a_replica_tells_how_it_stands_in_the_cluster,
        operate::a_doctor_finds_what_is_well_and_what_is_not,
        operate::an_audit_writes_reports_that_a_second_run_leaves_alone,
        operate::idle_gpus_are_shown_beside_what_is_held,
        owners::a_deployment_is_told_why_its_pods_are_refused,
        path::the_commands_of_the_page_do_what_it_says,
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
        systems::kueue_pytorchjob,
        systems::kueue_pytorchjob_with_tollgate,
        systems::mpi_operator_with_tollgate,
        configuration::changes_are_in_force_within_a_second_and_reported,
        configuration::a_bad_policy_is_refused_and_its_last_good_version_stays,
        configuration::the_api_server_takes_what_files_may_say,
    ])
}
