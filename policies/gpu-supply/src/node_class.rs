//! The images of Karpenter's machines on AWS.

use tollgate_sdk::prelude::*;
use tollgate_sdk::serde_json::Value;

use crate::{NODE_CLASS, list};

pub(crate) const NO_IMAGES: Rule = Rule::deny(
    "node-class-without-images",
    "An EC2NodeClass of `karpenter.k8s.aws/v1` says which images its machines have (`amiSelectorTerms`): the API server refuses one that does not.",
)
.about(&[NODE_CLASS]);
pub(crate) const OLD_IMAGES: Rule = Rule::warn(
    "node-class-of-old-images",
    "An EC2NodeClass has images that are still made: those of Amazon Linux 2 end with Kubernetes 1.32.",
)
.about(&[NODE_CLASS]);

const TERMS: &str = "/spec/amiSelectorTerms";
const FAMILY: &str = "/spec/amiFamily";

/// Tells of images that are missing or old.
pub(crate) fn report(review: &Review) {
    let terms = list(review, TERMS);
    if review.version() == "v1" && terms.is_empty() {
        NO_IMAGES
            .finding(TERMS, "the class says nothing of its images, and the API server refuses it")
            .actual("no `amiSelectorTerms`")
            .allowed("an alias, an id, a name or tags")
            .fix("add `amiSelectorTerms: [{alias: al2023@latest}]`, better with a version that was tested")
            .report();
    }
    let alias = |term: &Value| term.get("alias").and_then(Value::as_str).map(str::to_owned);
    let aliases = terms
        .iter()
        .enumerate()
        .filter_map(|(index, term)| Some((format!("{TERMS}/{index}/alias"), alias(term)?)));
    let family = review
        .text(FAMILY)
        .map(|family| (FAMILY.to_owned(), family));
    let is_old = |name: &str| name == "AL2" || name.starts_with("al2@");
    if let Some((path, name)) = aliases.chain(family).find(|(_, name)| is_old(name)) {
        OLD_IMAGES
            .finding(
                path,
                format!(
                    "`{name}` is Amazon Linux 2, of which there are no images after Kubernetes 1.32"
                ),
            )
            .actual(name)
            .allowed("`al2023` or `bottlerocket`")
            .fix("write `alias: al2023@latest`, better with a version that was tested")
            .report();
    }
}
