//! What the machines that a pool may bring have, where the pool does not say.

use tollgate_gpu::{Class, MigName, lookup};

use crate::label::Gives;
use crate::offer::Offer;

/// The label of a node's instance type.
pub(crate) const TYPE: &str = "node.kubernetes.io/instance-type";

type MayHaveDevices = fn(&str) -> bool;

/// Labels by which pools choose machines, and whether a machine of such a value may have devices.
const MACHINES: [(&str, MayHaveDevices); 7] = [
    (TYPE, type_may_have_devices),
    ("karpenter.k8s.aws/instance-category", aws_may_have_devices),
    ("karpenter.k8s.aws/instance-family", aws_may_have_devices),
    ("eks.amazonaws.com/instance-category", aws_may_have_devices),
    ("eks.amazonaws.com/instance-family", aws_may_have_devices),
    ("karpenter.azure.com/sku-name", type_may_have_devices),
    ("karpenter.azure.com/sku-family", azure_may_have_devices),
];

/// What the names of AWS's types without devices begin with, up to the first digit. New ones may have some.
const AWS_WITHOUT_DEVICES: [&str; 15] = [
    "a", "c", "d", "h", "hpc", "i", "im", "is", "m", "mac", "r", "t", "u", "x", "z",
];

/// Resources that every node has, in amounts that depend on the machine.
const EVERYWHERE: [&str; 5] = ["cpu", "memory", "ephemeral-storage", "pods", "hugepages-"];

/// Whether a resource of which a pool says nothing may come with its nodes. What has no devices brings none.
pub(crate) fn may_have_devices(offer: &Offer, resource: &str) -> bool {
    if is_everywhere(offer, resource) {
        return true;
    }
    let has_none = |(key, may): &(&str, MayHaveDevices)| match offer.labels.get(*key) {
        Some(Gives::OneOf(values)) => !values.iter().any(|value| may(value)),
        _ => false,
    };
    if MACHINES.iter().any(has_none) {
        return false;
    }
    if !may_be_cut(offer, resource) {
        return false;
    }
    // Whole devices that are counted are all that there are; how they are cut is decided on the node.
    let counted = lookup(resource).map(|known| known.class);
    counted != Some(Class::Device) || !has_counted_devices(offer)
}

/// Whether an instance type may have devices, by how AWS and Azure name theirs; other clouds' types may.
fn type_may_have_devices(name: &str) -> bool {
    let is_aws = name.contains('.') && name.starts_with(|first: char| first.is_ascii_lowercase());
    match name.strip_prefix("Standard_") {
        Some(family) => azure_may_have_devices(family),
        None => !is_aws || aws_may_have_devices(name),
    }
}

/// Whether instances of a category, family or type of AWS may have devices.
fn aws_may_have_devices(name: &str) -> bool {
    let letters = name
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .next();
    !letters.is_some_and(|letters| AWS_WITHOUT_DEVICES.contains(&letters))
}

/// Whether machines of a family of Azure may have devices: those of `N` do.
fn azure_may_have_devices(family: &str) -> bool {
    family.starts_with('N')
}

/// Whether every node has some of a resource.
pub(crate) fn is_everywhere(_: &Offer, resource: &str) -> bool {
    let is = |known: &str| resource == known || known.ends_with('-') && resource.starts_with(known);
    EVERYWHERE.into_iter().any(is)
}

/// Whether a model that the pool may bring can be cut into such MIG devices; so too where no model is known.
fn may_be_cut(offer: &Offer, resource: &str) -> bool {
    let models = offer.models();
    let Some(mig) = MigName::from_resource(resource).filter(|_| !models.is_empty()) else {
        return true;
    };
    let mut boards = models.iter().filter_map(|model| model.board);
    boards.any(|board| board.find(mig.unshared()).is_some())
}

fn has_counted_devices(offer: &Offer) -> bool {
    let mut names = offer.resources.keys();
    names.any(|name| lookup(name).is_some_and(|known| known.counts_devices()))
}
