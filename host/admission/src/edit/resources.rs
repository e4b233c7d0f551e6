//! Requests and limits.

use tollgate_gpu::Quantity;

use super::{EditError, Editor, Outcome};
use crate::patch::Op;
use crate::{ContainerClass, ContainerId, ContainerView, check};

impl Editor<'_> {
    pub(super) fn set_resource(
        &mut self,
        container: ContainerId,
        name: &str,
        quantity: &str,
    ) -> Outcome {
        let limit = check::resource(name, quantity)?;
        let view = self.container(container)?;
        resources_allowed(&view)?;
        let path = view.address();
        let request = view.request(name);
        self.set_quantity(&path, "limits", name, quantity)?;
        match request {
            Some(request)
                if check::is_not_overcommitted(name) && Quantity::parse(&request) != Ok(limit) =>
            {
                self.set_quantity(&path, "requests", name, quantity)
            }
            Some(request) if Quantity::parse(&request).is_ok_and(|request| request > limit) => {
                Err(EditError::Invalid(format!(
                    "the request of `{name}`, `{request}`, would be above its limit `{quantity}`"
                )))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn set_request(
        &mut self,
        container: ContainerId,
        name: &str,
        quantity: &str,
    ) -> Outcome {
        let request = check::resource(name, quantity)?;
        let view = self.container(container)?;
        resources_allowed(&view)?;
        if check::is_not_overcommitted(name) {
            return Err(EditError::Invalid(format!(
                "the request of `{name}` is its limit: set the limit"
            )));
        }
        if let Some(limit) = view.limit(name)
            && Quantity::parse(&limit).is_ok_and(|limit| request > limit)
        {
            return Err(EditError::Invalid(format!(
                "the request of `{name}`, `{quantity}`, would be above its limit `{limit}`"
            )));
        }
        let path = view.address();
        self.set_quantity(&path, "requests", name, quantity)
    }

    /// Writes a quantity unless the same amount stands there in other words.
    pub(super) fn set_quantity(
        &mut self,
        container: &str,
        list: &str,
        name: &str,
        quantity: &str,
    ) -> Outcome {
        let place = format!("{container}/resources/{list}/{}", crate::json::escape(name));
        let there = self.at(&place).and_then(crate::json::scalar_text);
        if there.is_some_and(|there| Quantity::parse(&there).ok() == Quantity::parse(quantity).ok())
        {
            return Ok(());
        }
        self.set(container, &["resources", list, name], quantity.into())
    }

    pub(super) fn remove_resource(&mut self, container: ContainerId, name: &str) -> Outcome {
        let path = self.container(container)?.address();
        let place = |list: &str| format!("{path}/resources/{list}/{}", crate::json::escape(name));
        let places = ["requests", "limits"].map(place);
        places
            .iter()
            .try_for_each(|place| self.unless_written_by_another(place))?;
        self.take_resource(container, name)
    }

    pub(super) fn take_resource(&mut self, container: ContainerId, name: &str) -> Outcome {
        let path = self.container(container)?.address();
        for list in ["requests", "limits"] {
            let place = format!("{path}/resources/{list}/{}", crate::json::escape(name));
            if self.at(&place).is_some() {
                self.apply(Op::remove(place))?;
            }
        }
        Ok(())
    }

    pub(super) fn rename_resource(
        &mut self,
        container: ContainerId,
        name: &str,
        new_name: &str,
        quantity: Option<String>,
    ) -> Outcome {
        let view = self.container(container)?;
        let Some(old) = view.limit(name).or_else(|| view.request(name)) else {
            let renamed = view.limit(new_name).is_some_and(|there| {
                let wanted = quantity.as_ref().unwrap_or(&there);
                Quantity::parse(&there) == Quantity::parse(wanted)
            });
            if renamed {
                return Ok(());
            }
            return Err(EditError::Invalid(format!(
                "container `{}` has no resource `{name}`",
                view.name()
            )));
        };
        let quantity = quantity.unwrap_or(old);
        if name == new_name {
            return self.set_resource(container, name, &quantity);
        }
        let has_request = view.request(name).is_some();
        let path = view.address();
        // Another policy's value moves along: it is said of the same devices, by their new name.
        self.take_resource(container, name)?;
        self.set_resource(container, new_name, &quantity)?;
        match has_request {
            true => self.set_quantity(&path, "requests", new_name, &quantity),
            false => Ok(()),
        }
    }
}

fn resources_allowed(container: &ContainerView<'_>) -> Result<(), String> {
    match container.class() {
        ContainerClass::Ephemeral => Err("an ephemeral container cannot have resources".to_owned()),
        _ => Ok(()),
    }
}
