//! The volumes that are mounted at `/dev/shm`.

use tollgate_sdk::Volume;
use tollgate_sdk::gpu::Quantity;
use tollgate_sdk::prelude::*;

use crate::workload::{Member, SHM, Workload, is_within, normal, positive};
use crate::{HALF, HOST, ON_DISK, OVER, SharedMemory, UNLIMITED};

/// The node's shared memory, and its other name on some distributions.
const HOST_SHM: [&str; 2] = [SHM, "/run/shm"];

/// KubeRay's volume: as large as the memory of Ray's container, since Ray bounds its object store itself.
const KUBERAY: &str = "shared-mem";

/// A volume at `/dev/shm` that is not as it should be.
struct Flawed<'a> {
    volume: Volume,
    index: usize,
    members: Vec<&'a Member>,
    memory: Option<Quantity>,
    flaw: Flaw,
}

enum Flaw {
    OnHost,
    OnDisk,
    Unlimited,
    AboveShare(Quantity),
    AboveMemory(Quantity),
}

impl SharedMemory {
    /// Bounds volumes and takes them off the node's shared memory.
    pub(crate) fn repair_volumes(&self, workload: &Workload<'_>) -> Outcome {
        for flawed in self.flawed(workload) {
            if let Some((rule, medium, size)) = self.repair(workload, &flawed) {
                let (name, size) = (&flawed.volume.name, size.to_binary_string());
                edits::set_volume_medium_and_size(
                    workload.pod,
                    rule.id,
                    name,
                    medium,
                    Some(&size),
                )?;
            }
        }
        Ok(())
    }

    /// The medium and the size that a volume shall have, where it can be repaired.
    fn repair(
        &self,
        workload: &Workload<'_>,
        flawed: &Flawed<'_>,
    ) -> Option<(Rule, Option<&'static str>, Quantity)> {
        let roomy = || self.for_unlimited(flawed.memory, requested(&flawed.members));
        let repair = match flawed.flaw {
            Flaw::OnHost if is_wanted(workload) => return None,
            Flaw::OnHost => (HOST, Some("Memory"), roomy()),
            Flaw::Unlimited => (UNLIMITED, None, roomy()),
            Flaw::AboveShare(share) => (HALF, None, share.floor_to(Quantity::MIB)),
            Flaw::OnDisk | Flaw::AboveMemory(_) => return None,
        };
        (!repair.2.is_zero()).then_some(repair)
    }

    /// Reports what cannot be repaired.
    pub(crate) fn report_volumes(&self, workload: &Workload<'_>) {
        for flawed in self.flawed(workload) {
            let path = format!("{}/spec/volumes/{}", workload.pod.path(), flawed.index);
            match flawed.flaw {
                Flaw::AboveMemory(memory) => self.report_over(&flawed, &path, memory),
                Flaw::OnDisk => report_on_disk(&flawed, path),
                _ => {}
            }
        }
    }

    fn report_over(&self, flawed: &Flawed<'_>, path: &str, memory: Quantity) {
        let size = flawed.volume.size_limit.as_deref().unwrap_or_default();
        let (limit, share) = (
            text(memory),
            text(self.share(memory).floor_to(Quantity::MIB)),
        );
        let (name, percent) = (&flawed.volume.name, self.memory_percent);
        OVER.finding(
            format!("{path}/emptyDir/sizeLimit"),
            format!(
                "`/dev/shm` of {} may grow to {size}, above the memory limit of {limit}: OOMKilled before it is full",
                flawed.whose()
            ),
        )
        .actual(size)
        .allowed(format!("at most {share}, {percent} % of the memory limit"))
        .fix(format!("set the `sizeLimit` of volume `{name}` to {share}, or raise the memory limit"))
        .report();
    }

    fn flawed<'a>(&self, workload: &'a Workload<'_>) -> Vec<Flawed<'a>> {
        if !workload.members.iter().any(|member| member.shm.is_some()) {
            return Vec::new();
        }
        let volumes = workload.pod.volumes();
        let flawed = volumes.iter().enumerate().filter_map(|(index, volume)| {
            let mounts = |member: &&Member| member.shm.as_ref() == Some(&volume.name);
            let members: Vec<_> = workload.members.iter().filter(mounts).collect();
            if members.is_empty() || volume.name == KUBERAY && workload.is_made_by_kuberay() {
                return None;
            }
            let memory = workload.memory_of(&members);
            let flaw = self.flaw(volume, memory)?;
            Some(Flawed {
                volume: volume.clone(),
                index,
                members,
                memory,
                flaw,
            })
        });
        flawed.collect()
    }

    fn flaw(&self, volume: &Volume, memory: Option<Quantity>) -> Option<Flaw> {
        match (
            volume.source.as_str(),
            volume.medium.as_deref(),
            &volume.host_path,
        ) {
            ("emptyDir", Some("Memory"), _) => {
                self.flaw_of_size(volume.size_limit.as_deref(), memory)
            }
            (_, _, Some(path)) if is_host_shm(path) => Some(Flaw::OnHost),
            // What else the node has in `/dev` is no disk either, and not this policy's business.
            (_, _, Some(path)) if is_within(&normal(path), "/dev") => None,
            _ => Some(Flaw::OnDisk),
        }
    }

    fn flaw_of_size(&self, size: Option<&str>, memory: Option<Quantity>) -> Option<Flaw> {
        let size = match size.map(Quantity::parse) {
            // Zero, too, is no limit for the kubelet.
            None => return Some(Flaw::Unlimited),
            Some(Ok(size)) if size.is_zero() => return Some(Flaw::Unlimited),
            Some(size) => size.ok()?,
        };
        let memory = memory?;
        let share = self.share(memory);
        let above_share = || (size > share).then_some(Flaw::AboveShare(share));
        (size > memory)
            .then_some(Flaw::AboveMemory(memory))
            .or_else(above_share)
    }
}

fn report_on_disk(flawed: &Flawed<'_>, path: String) {
    let Volume {
        name,
        source,
        medium,
        ..
    } = &flawed.volume;
    let what = match (source.as_str(), medium) {
        ("emptyDir", None) => "an `emptyDir` on the node's disk".to_owned(),
        ("emptyDir", Some(medium)) => format!("an `emptyDir` of medium `{medium}`"),
        _ => format!("a volume of type `{source}`"),
    };
    ON_DISK
        .finding(
            path,
            format!(
                "`/dev/shm` of {} is {what}, not the memory that programs expect there",
                flawed.whose()
            ),
        )
        .actual(what)
        .allowed("an `emptyDir` with medium `Memory`")
        .fix(format!(
            "make volume `{name}` an `emptyDir` with `medium: Memory` and a `sizeLimit`"
        ))
        .report();
}

impl Flawed<'_> {
    /// The containers that mount it, for a message.
    fn whose(&self) -> String {
        let names = self
            .members
            .iter()
            .map(|member| format!("`{}`", member.container.name()));
        let names: Vec<_> = names.collect();
        let word = if names.len() == 1 {
            "container"
        } else {
            "containers"
        };
        format!("{word} {}", names.join(", "))
    }
}

/// Whether the pod means the node's shared memory: to share it with the node or with an MPS daemon.
fn is_wanted(workload: &Workload<'_>) -> bool {
    workload.pod.host_ipc() || workload.is_under_mps()
}

fn is_host_shm(path: &str) -> bool {
    let path = normal(path);
    HOST_SHM.iter().any(|shm| is_within(&path, shm))
}

/// The memory that containers request together.
fn requested(members: &[&Member]) -> Quantity {
    let requests = members
        .iter()
        .filter_map(|member| positive(member.container.request("memory")));
    requests.fold(Quantity::ZERO, Quantity::saturating_add)
}

/// The shorter of an amount's canonical forms.
fn text(bytes: Quantity) -> String {
    let (decimal, binary) = (bytes.to_string(), bytes.to_binary_string());
    if decimal.len() < binary.len() {
        decimal
    } else {
        binary
    }
}
