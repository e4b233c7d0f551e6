//! A container with accelerators that runs a known server.

use std::rc::Rc;

use tollgate_sdk::gpu::Role;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Device, Program, has_fraction};

/// A container with accelerators that runs a known server.
pub(crate) struct Server<'a> {
    pub(crate) container: &'a Container,
    pub(crate) program: Program,
    /// What it asks for; none where a claim or an annotation brings the device.
    pub(crate) devices: Rc<[Device]>,
}

impl<'a> Server<'a> {
    /// Reads an application container.
    pub(crate) fn of(pod: &Pod, container: &'a Container) -> Option<Self> {
        let devices = container.devices();
        if devices.is_empty() && !has_others(pod, container) {
            return None;
        }
        if container.class() != "app" {
            return None;
        }
        let program = Program::of(container)?;
        (program.known.role == Role::Serving).then_some(Self {
            container,
            program,
            devices,
        })
    }

    /// The value of a flag, the last one; a reference to a literal variable of the container is followed.
    pub(crate) fn flag(&self, flags: &[&str]) -> Option<String> {
        let value = self.program.words.values(flags).last()?;
        Some(self.resolve(value))
    }

    /// The literal value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.container.env(name)?.value
    }

    /// The model that it is told to load.
    pub(crate) fn model(&self) -> Option<String> {
        let told = &self.program.known.model;
        self.flag(told.flags)
            .or_else(|| self.word_after(told.after?))
            .or_else(|| self.variable(told.variable?))
    }

    fn word_after(&self, before: &str) -> Option<String> {
        let base = |word: &str| word.rsplit('/').next() == Some(before);
        let mut words = self.program.words.iter().skip_while(|word| !base(word));
        let model = words.nth(1).filter(|word| !word.starts_with('-'))?;
        Some(self.resolve(model))
    }

    /// The value of `$(NAME)`, which Kubernetes replaces by a variable of the container.
    fn resolve(&self, value: &str) -> String {
        let name = value
            .strip_prefix("$(")
            .and_then(|rest| rest.strip_suffix(')'));
        name.and_then(|name| self.variable(name))
            .unwrap_or_else(|| value.to_owned())
    }
}

/// Whether a claim or an annotation brings the container a device.
fn has_others(pod: &Pod, container: &Container) -> bool {
    has_fraction(pod)
        || !pod.resource_claims().is_empty() && !container.resource_claims().is_empty()
}
