//! NodePools as earlier versions of Karpenter had them.

use tollgate_sdk::prelude::*;

use crate::NODE_POOL;

pub(crate) const OLD_VERSION: Rule = Rule::warn(
    "removed-karpenter-version",
    "A NodePool is of `karpenter.sh/v1`: releases of today no longer serve `v1beta1`, and many tutorials still write it.",
)
.about(&[NODE_POOL]);
pub(crate) const REFUSED: Rule = Rule::deny(
    "karpenter-field-refused",
    "A NodePool of `karpenter.sh/v1` has the fields of that version: the API server refuses `WhenUnderutilized` and a `nodeClassRef` without `group`.",
)
.about(&[NODE_POOL]);
pub(crate) const DROPPED: Rule = Rule::warn(
    "karpenter-field-dropped",
    "A NodePool of `karpenter.sh/v1` says when nodes expire in its template: under `disruption` the API server drops it, and nodes live for the default of 720 hours.",
)
.about(&[NODE_POOL]);

const POLICY: &str = "/spec/disruption/consolidationPolicy";
const EXPIRY: &str = "/spec/disruption/expireAfter";
const CLASS: &str = "/spec/template/spec/nodeClassRef";

/// Tells of fields of another version.
pub(crate) fn report(review: &Review) {
    let version = review.version();
    if version != "v1" {
        return report_version(&version);
    }
    if let Some(policy) = review
        .text(POLICY)
        .filter(|policy| policy == "WhenUnderutilized")
    {
        REFUSED
            .finding(POLICY, "`WhenUnderutilized` has another name in `karpenter.sh/v1`, and the API server refuses it")
            .actual(policy)
            .allowed("`WhenEmpty`, `WhenEmptyOrUnderutilized` or `Balanced`")
            .fix("write `WhenEmptyOrUnderutilized`")
            .report();
    }
    let has = |field: &str| review.value(&format!("{CLASS}/{field}")).is_some();
    if review.value(CLASS).is_some() && !has("group") {
        REFUSED
            .finding(CLASS, "`nodeClassRef` names no `group`, which `karpenter.sh/v1` needs in the place of `apiVersion`: the API server refuses it")
            .actual(if has("apiVersion") { "`apiVersion`" } else { "no `group`" })
            .allowed("`group`, `kind` and `name`")
            .fix("write `group: karpenter.k8s.aws` and remove `apiVersion`")
            .report();
    }
    if let Some(expiry) = review.text(EXPIRY) {
        DROPPED
            .finding(
                EXPIRY,
                "`karpenter.sh/v1` has `expireAfter` in the template: here it is dropped",
            )
            .actual(&*expiry)
            .allowed("`spec.template.spec.expireAfter`")
            .fix(format!(
                "move it: `spec.template.spec.expireAfter: {expiry}`"
            ))
            .report();
    }
}

fn report_version(version: &str) {
    OLD_VERSION
        .finding(
            "/apiVersion",
            format!("releases of Karpenter since 1.1 serve `karpenter.sh/v1` alone, and not `{version}`"),
        )
        .actual(version)
        .allowed("v1")
        .fix("write `karpenter.sh/v1`, with `expireAfter` in the template, `group` in `nodeClassRef` and `WhenEmptyOrUnderutilized`")
        .report();
}
