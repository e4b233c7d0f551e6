//! Volumes and their mounts.

use serde_json::{Map, Value, json};
use tollgate_gpu::Quantity;

use super::{EditError, Editor, Outcome};
use crate::patch::Op;
use crate::{ContainerId, PodId, VolumeSource, check};

impl Editor<'_> {
    pub(super) fn add_volume(
        &mut self,
        pod: PodId,
        name: &str,
        medium: Option<String>,
        size_limit: Option<String>,
    ) -> Outcome {
        check::dns_label(name)?;
        let source = empty_dir(medium, size_limit)?;
        let spec = self.spec(pod)?;
        let volume = json!({"name": name, "emptyDir": source});
        match self.position(&spec, "volumes", name) {
            None => self.append(&spec, &["volumes"], volume),
            Some(path) if self.at(&path) == Some(&volume) => Ok(()),
            Some(path) => {
                self.unless_written_by_another(&path)?;
                Err(EditError::Invalid(format!(
                    "a volume named `{name}` already exists"
                )))
            }
        }
    }

    pub(super) fn set_volume(
        &mut self,
        pod: PodId,
        name: &str,
        medium: Option<String>,
        size_limit: Option<String>,
    ) -> Outcome {
        let missing = || EditError::Invalid(format!("there is no volume named `{name}`"));
        let kind = self.pod(pod)?.volume(name).ok_or_else(missing)?.kind();
        let path = self
            .position(&self.spec(pod)?, "volumes", name)
            .ok_or_else(missing)?;
        let source = empty_dir(medium, size_limit)?;
        match kind {
            VolumeSource::Other => Err(EditError::Invalid(format!(
                "volume `{name}` is neither an emptyDir nor a hostPath"
            ))),
            VolumeSource::EmptyDir => source
                .into_iter()
                .try_for_each(|(field, value)| self.set(&path, &["emptyDir", &field], value)),
            VolumeSource::HostPath => {
                self.unless_written_by_another(&format!("{path}/hostPath"))?;
                self.apply(Op::remove(format!("{path}/hostPath")))?;
                self.apply(Op::add(format!("{path}/emptyDir"), source))
            }
        }
    }

    pub(super) fn mount_volume(
        &mut self,
        container: ContainerId,
        name: &str,
        mount_path: &str,
    ) -> Outcome {
        check::mount_path(mount_path)?;
        if self.pod(container.pod)?.volume(name).is_none() {
            return Err(EditError::Invalid(format!(
                "there is no volume named `{name}` to mount"
            )));
        }
        let view = self.container(container)?;
        let path = view.address();
        let normal = check::normal_path(mount_path);
        let there = view
            .mounts()
            .into_iter()
            .enumerate()
            .find(|(_, mount)| check::normal_path(&mount.mount_path) == normal);
        match there {
            None => self.append(
                &path,
                &["volumeMounts"],
                json!({"name": name, "mountPath": mount_path}),
            ),
            Some((_, mount)) if mount.name == name => Ok(()),
            Some((index, mount)) => {
                self.unless_written_by_another(&format!("{path}/volumeMounts/{index}"))?;
                Err(EditError::Invalid(format!(
                    "volume `{}` is already mounted at `{mount_path}`",
                    mount.name
                )))
            }
        }
    }
}

fn empty_dir(
    medium: Option<String>,
    size_limit: Option<String>,
) -> Result<Map<String, Value>, String> {
    let mut source = Map::new();
    if let Some(medium) = medium {
        if !medium.starts_with("HugePages") {
            check::one_of(&medium, &["", "Memory"])?;
        }
        source.insert("medium".to_owned(), medium.into());
    }
    if let Some(size) = size_limit {
        let parsed = Quantity::parse(&size).map_err(|err| format!("size limit `{size}`: {err}"))?;
        if parsed <= Quantity::default() {
            return Err(format!("size limit `{size}` must be positive"));
        }
        source.insert("sizeLimit".to_owned(), size.into());
    }
    Ok(source)
}
