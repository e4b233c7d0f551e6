//! Pods that no manifest spells out: which fields of an object its controller makes them of.

/// A field of an object and its place in the pod that is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The JSON pointer in the object; `*` as in the pod's path.
    pub(crate) from: String,
    /// The JSON pointer in the pod. A container that is missing is made.
    pub(crate) to: &'static str,
    /// What is taken.
    pub(crate) take: Take,
}

/// What is taken of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// Its value. Where something is there already, maps are joined, and items of lists that have the same name, as
    /// the API server does it; other items are appended, and all else is replaced.
    Value,
    /// A number of devices.
    Devices {
        /// The pointer of the field with the resource's name, where the object can say.
        named: String,
        /// The name where it does not.
        name: &'static str,
    },
    /// The `template` of an item of a list.
    Template {
        /// The pointer of the field with the item's name.
        named: String,
    },
    /// The devices of a cloud's instance type.
    Instance,
    /// The devices of one of KubeAI's resource profiles, such as `nvidia-gpu-h100:8`.
    Profile,
}
