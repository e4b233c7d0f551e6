//! The full group: the controllers that are built on demand only.

#![allow(
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests over JSON values, where indexing reads null for what is absent"
)]

mod cert_manager;
mod karpenter;
mod keda;
mod kserve;
mod mxjob;
#[allow(
    dead_code,
    reason = "the everyday group's pods, of which this one needs one kind"
)]
#[path = "../everyday/pods.rs"]
mod pods;
#[path = "../everyday/stream.rs"]
mod stream;
mod vpa;

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        mxjob::stays_pending,
        mxjob::runs_with_tollgate,
        karpenter::a_pod_that_does_not_tolerate_the_taint_gets_no_node,
        karpenter::a_node_is_added_and_runs_the_pod,
        keda::stays_pending,
        keda::runs_with_tollgate,
        vpa::stays_pending_with_what_is_recommended,
        vpa::runs_with_what_is_recommended,
        kserve::stays_pending,
        kserve::runs_with_tollgate,
        kserve::one_that_cannot_run_is_refused,
        cert_manager::no_call_fails_while_it_renews_the_certificate,
    ])
}
