//! The contract's imports: each answers from the review of the call.

mod cluster;
mod edits;
mod findings;
mod types;

use tollgate_admission::{ContainerId, ContainerView, PodId, PodView, Request};
use wasmtime::component::Resource;

use crate::Fault;
use crate::bindings::tollgate::policy::log;
use crate::state::{ContainerHandle, PodHandle, State};

type Result<T> = wasmtime::Result<T>;

fn pod_id(pod: &Resource<PodHandle>) -> PodId {
    PodId(pod.rep())
}

fn container_id(container: &Resource<ContainerHandle>) -> ContainerId {
    ContainerId {
        pod: PodId(container.rep() >> 16),
        index: container.rep() & 0xffff,
    }
}

/// Ends a call that has more of something than it may.
fn within(limit: usize, what: &'static str, count: usize) -> Result<()> {
    match count > limit {
        true => Err(Fault::TooMany { what, limit }.into()),
        false => Ok(()),
    }
}

impl State {
    fn request(&self) -> Result<&Request> {
        Ok(self.review()?.request())
    }

    fn pod(&self, pod: &Resource<PodHandle>) -> Result<PodView<'_>> {
        let view = self.review()?.pod(pod_id(pod));
        view.ok_or_else(|| Fault::bad_answer("it used a pod of another review").into())
    }

    fn container(&self, container: &Resource<ContainerHandle>) -> Result<ContainerView<'_>> {
        let view = self.review()?.container(container_id(container));
        view.ok_or_else(|| Fault::bad_answer("it used a container of another review").into())
    }
}

impl log::Host for State {
    fn write(&mut self, level: String, mut message: String) -> Result<()> {
        self.logged += 1;
        if self.logged > self.limits.log_lines {
            return Ok(());
        }
        let cut = message.floor_char_boundary(self.limits.message);
        message.truncate(cut);
        let policy = self.policy();
        match level.as_str() {
            "error" => tracing::error!(policy.name = policy, "{message}"),
            "warn" => tracing::warn!(policy.name = policy, "{message}"),
            "debug" => tracing::debug!(policy.name = policy, "{message}"),
            _ => tracing::info!(policy.name = policy, "{message}"),
        }
        if level == "error" {
            self.said = Some(message);
        }
        Ok(())
    }
}
