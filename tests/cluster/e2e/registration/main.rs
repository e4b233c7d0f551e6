//! How Tollgate is registered: what the API server asks about and what it does not, certificates that follow one
//! another, one leader, and the ways out. No replica of the binary is needed for it.

#![allow(clippy::indexing_slicing, reason = "a test program")]

mod conditions;
mod leader;
mod registrar;

use std::process::ExitCode;

use tokio::sync::Mutex;

/// There is one registration in a cluster, so these tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

fn main() -> ExitCode {
    tollgate_e2e::run(tollgate_e2e::tests![
        conditions::pods_that_name_no_accelerator_cause_no_call,
        conditions::a_pod_at_its_size_limit_costs_no_more_than_a_condition_may,
        conditions::every_sign_causes_a_call,
        conditions::templates_are_asked_about_and_what_their_controllers_make_is_not,
        conditions::updates_that_change_nothing_of_a_pod_cause_no_call,
        registrar::the_leader_registers_and_repairs,
        registrar::an_authority_follows_another,
        registrar::fail_open_stays_until_it_is_undone,
        registrar::uninstalling_removes_all_and_nobody_brings_it_back,
        leader::one_leads_and_another_follows_when_it_goes,
    ])
}
