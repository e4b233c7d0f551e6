//! Which containers need a `/dev/shm` of their own, and giving it to them.

use tollgate_sdk::gpu::{Quantity, Role, is_batch_kind};
use tollgate_sdk::prelude::*;

use crate::workload::{Member, SHM, Workload};
use crate::{MISSING, SharedMemory};

/// What the runtime gives every container: no less is worth a volume.
const RUNTIMES_OWN: Quantity = Quantity::from_nanos(Quantity::MIB.nanos() * 64);

/// A container that needs a `/dev/shm`.
pub(crate) struct Need<'a> {
    pub(crate) member: &'a Member,
    pub(crate) devices: u64,
    pub(crate) trains: bool,
}

impl SharedMemory {
    /// Adds a volume and mounts it into each container that needs it.
    ///
    /// It is one volume for all of them, as the containers of a pod share the runtime's `/dev/shm` as well:
    /// what they exchange through it today they can still exchange.
    pub(crate) fn supply(&self, workload: &Workload<'_>, review: &Review, pods: &[Pod]) -> Outcome {
        let needs = self.needs(workload, review, pods);
        if needs.is_empty() || has_another(workload) {
            return Ok(());
        }
        let size = self.for_needs(workload, &needs);
        if size <= RUNTIMES_OWN {
            return Ok(());
        }
        let name = free_name(workload);
        let size = size.to_binary_string();
        edits::add_volume(workload.pod, MISSING.id, &name, Some("Memory"), Some(&size))?;
        for need in &needs {
            edits::mount_volume(&need.member.container, MISSING.id, &name, SHM)?;
        }
        Ok(())
    }

    fn needs<'a>(
        &self,
        workload: &'a Workload<'_>,
        review: &Review,
        pods: &[Pod],
    ) -> Vec<Need<'a>> {
        let candidates: Vec<_> = workload
            .members
            .iter()
            .filter(|member| member.stays && !member.has_its_own())
            .map(|member| (member, collective_devices(member)))
            .filter(|(_, devices)| *devices > 0)
            .collect();
        if candidates.is_empty() {
            return Vec::new();
        }
        let owner = workload.pod.owner();
        let job = Job {
            review,
            pods,
            pod: workload.pod,
            owner: owner.as_deref(),
        };
        let needs = candidates.into_iter().filter_map(|(member, devices)| {
            let several = devices > 1 || self.single_device;
            let trains = several && job.is_batch()
                || is_launcher(&member.container)
                || job.is_one_of_a_group(&member.container);
            (several || trains).then_some(Need {
                member,
                devices,
                trains,
            })
        });
        needs.collect()
    }
}

/// Devices whose processes exchange data through shared memory.
fn collective_devices(member: &Member) -> u64 {
    let collective = member
        .devices
        .iter()
        .filter(|device| device.resource.collective);
    collective.fold(0, |sum, device| sum.saturating_add(device.count()))
}

/// Whether the pod gets a `/dev/shm` from elsewhere: the node's, the MPS daemon's or KubeRay's.
fn has_another(workload: &Workload<'_>) -> bool {
    let is_template = !workload.pod.path().is_empty();
    workload.pod.host_ipc()
        || is_template && workload.is_made_by_kuberay()
        || workload.is_under_mps()
}

/// `dshm`, or the first of `dshm-1`, `dshm-2`, … that no volume has and no mount expects.
fn free_name(workload: &Workload<'_>) -> String {
    let volumes = workload.pod.volumes();
    let mounts = || {
        workload
            .members
            .iter()
            .flat_map(|member| member.mounts.iter())
    };
    let is_taken = |name: &str| {
        volumes.iter().any(|volume| volume.name == name) || mounts().any(|mount| mount.name == name)
    };
    let mut name = "dshm".to_owned();
    let mut next = 1_u32;
    while is_taken(&name) {
        name = format!("dshm-{next}");
        next += 1;
    }
    name
}

/// Whether a container starts a training launcher.
fn is_launcher(container: &Container) -> bool {
    container
        .workload()
        .is_some_and(|known| known.role == Role::Training)
}

/// What a pod is a part of.
struct Job<'a> {
    review: &'a Review,
    pods: &'a [Pod],
    pod: &'a Pod,
    owner: Option<&'a str>,
}

/// Marks that controllers leave on the pods of a group, which are reviewed one by one.
const COMPLETION_INDEX: &str = "batch.kubernetes.io/job-completion-index";
const LEADER_WORKER_SIZE: &str = "leaderworkerset.sigs.k8s.io/size";
const KUBEFLOW_ROLE: &str = "training.kubeflow.org/replica-type";
const GROUP_SIZES: [&str; 2] = ["PET_NNODES", "WORLD_SIZE"];

impl Job<'_> {
    fn is_batch(&self) -> bool {
        self.owner.is_some_and(is_batch_kind)
    }

    /// Whether several pods work together.
    fn is_one_of_a_group(&self, container: &Container) -> bool {
        self.makes_a_group()
            || self.is_marked()
            || GROUP_SIZES.iter().any(|name| {
                let size = container.env(name).and_then(|variable| variable.value);
                size.is_some_and(|size| is_several(&size))
            })
    }

    /// Whether the object makes several pods of a batch kind. Those of a Job work together only when they are
    /// numbered; else they are as many copies, and nothing would tell their own reviews of the others.
    fn makes_a_group(&self) -> bool {
        let count = || {
            self.pods
                .iter()
                .filter_map(Pod::count)
                .fold(0, u32::saturating_add)
        };
        let is_job = || matches!(self.owner, Some("Job.batch" | "CronJob.batch"));
        self.is_batch() && count() > 1 && (!is_job() || self.is_indexed())
    }

    fn is_indexed(&self) -> bool {
        let path = self.pod.path();
        let job = path.strip_suffix("/template").unwrap_or(&path);
        self.review
            .json(&format!("{job}/completionMode"))
            .as_deref()
            == Some("\"Indexed\"")
    }

    fn is_marked(&self) -> bool {
        let leader = || self.pod.annotation(LEADER_WORKER_SIZE);
        self.pod.annotation(COMPLETION_INDEX).is_some()
            || self.pod.label(KUBEFLOW_ROLE).as_deref() == Some("worker")
            || leader().is_some_and(|size| is_several(&size))
    }
}

/// Whether a number, or the upper end of a range such as `1:4`, is above one.
fn is_several(size: &str) -> bool {
    let most = size
        .rsplit(':')
        .next()
        .and_then(|most| most.parse::<u32>().ok());
    most.is_some_and(|most| most > 1)
}
