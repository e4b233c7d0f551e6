//! What else a container has.

use serde_json::json;

use super::{EditError, Editor, Outcome};
use crate::patch::Op;
use crate::{ContainerClass, ContainerId, Probe, check};

impl Editor<'_> {
    pub(super) fn set_env(&mut self, container: ContainerId, name: &str, value: &str) -> Outcome {
        if name.is_empty()
            || name.contains('=')
            || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            return Err(EditError::Invalid(format!(
                "`{name}` must be the name of a variable: printable ASCII without `=`"
            )));
        }
        let path = self.container(container)?.address();
        let variable = json!({"name": name, "value": value});
        match self.position(&path, "env", name) {
            None => self.append(&path, &["env"], variable),
            Some(place) if self.at(&place) == Some(&variable) => Ok(()),
            Some(place) => {
                self.unless_written_by_another(&place)?;
                self.apply(Op::replace(place, variable))
            }
        }
    }

    pub(super) fn add_capability(&mut self, container: ContainerId, name: &str) -> Outcome {
        let bare = |name: &str| name.strip_prefix("CAP_").unwrap_or(name).to_owned();
        let wanted = bare(name);
        if wanted.is_empty()
            || !wanted
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        {
            return Err(EditError::Invalid(format!(
                "`{name}` must be a capability such as `IPC_LOCK`"
            )));
        }
        let view = self.container(container)?;
        if view
            .capabilities()
            .iter()
            .map(|there| bare(there))
            .any(|there| there == wanted || there == "ALL")
        {
            return Ok(());
        }
        let path = view.address();
        self.append(
            &path,
            &["securityContext", "capabilities", "add"],
            wanted.into(),
        )
    }

    pub(super) fn set_probe(
        &mut self,
        container: ContainerId,
        name: &str,
        probe: &Probe,
    ) -> Outcome {
        check::one_of(name, &["liveness", "readiness", "startup"])?;
        check::one_of(&probe.handler, &["httpGet", "tcpSocket"])?;
        let Some(port) = &probe.port else {
            return Err(EditError::Invalid(format!(
                "a `{}` probe needs a port",
                probe.handler
            )));
        };
        check::port(port)?;
        if probe.handler == "tcpSocket" && probe.path.is_some() {
            return Err(EditError::Invalid(
                "a `tcpSocket` probe has no path".to_owned(),
            ));
        }
        let view = self.container(container)?;
        if !matches!(view.class(), ContainerClass::App | ContainerClass::Sidecar) {
            return Err(EditError::Invalid(format!(
                "a container of class `{}` has no probes",
                view.class().as_str()
            )));
        }
        if view.probe(name).as_ref() == Some(probe) {
            return Ok(());
        }
        let path = view.address();
        self.set(&path, &[&format!("{name}Probe")], probe.write())
    }
}
