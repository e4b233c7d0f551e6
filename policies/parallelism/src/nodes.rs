//! How many pods a program is told to wait for, against those that its object makes.

use tollgate_sdk::Program;
use tollgate_sdk::prelude::*;

use crate::group::Group;

pub(crate) const UNLIKE: Rule = Rule::warn(
    "nodes-unlike-pods",
    "A program that is told how many pods take part (`--nnodes`) is told of as many as its object makes: with fewer it waits for the rest until it times out, with more some are left out.",
);

/// Programs that wait until so many have come.
const PROGRAMS: [&str; 3] = ["torchrun", "sglang", "vllm"];

const FLAG: &str = "--nnodes";
const VARIABLE: &str = "PET_NNODES";

/// Reports a number of nodes that no way of counting the pods gives.
pub(crate) fn report(review: &Review, pods: &[Pod], pod: &Pod, container: &Container) {
    let Some(told) = told(container) else {
        return;
    };
    let Some(group) = Group::of(review, pods, pod).filter(|_| works_together(review, pod)) else {
        return;
    };
    let there = group.size();
    let ways = [Some(there), Some(group.takers()), group.of_object];
    if there == 0 || group.of_object.is_none() || ways.contains(&Some(told.number)) {
        return;
    }
    let name = container.name();
    UNLIKE
        .finding(
            container.path(),
            format!(
                "container `{name}` waits for {} pods (`{}`), and its object makes {there}",
                told.number, told.by
            ),
        )
        .actual(told.number.to_string())
        .allowed(there.to_string())
        .fix(format!(
            "set `{}` to {there}, or make {} pods",
            told.by, told.number
        ))
        .report();
}

struct Told {
    by: &'static str,
    number: u64,
}

/// The number, where it is literal.
fn told(container: &Container) -> Option<Told> {
    let program = Program::of(container)?;
    if !PROGRAMS.contains(&program.known.name) {
        return None;
    }
    let mut values = program.words.values(&[FLAG]);
    let (by, text) = match (values.next(), values.next()) {
        (Some(text), None) => (FLAG, text.to_owned()),
        (Some(_), Some(_)) => return None,
        (None, _) => (VARIABLE, container.env(VARIABLE)?.value?),
    };
    let number = text.parse().ok()?;
    Some(Told { by, number })
}

/// The pods of a Job work together only where they are numbered.
fn works_together(review: &Review, pod: &Pod) -> bool {
    let owner = pod.owner().unwrap_or_default();
    let is_job = owner == "Job.batch" || owner == "CronJob.batch";
    let path = pod.path();
    let job = path.strip_suffix("/template").unwrap_or(&path);
    let mode = || review.text(&format!("{job}/completionMode"));
    !is_job || mode().as_deref() == Some("Indexed")
}
