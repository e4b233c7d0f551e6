//! `gpu-sharing`: pods ask for shares of NVIDIA's GPUs as the cluster offers them.
//!
//! A share is a turn on a GPU: two shares are no more of it, and may be of the same one. What the shares are called, and by
//! what they are made, is the cluster's to say: node labels that the pod selects, or the `Site` document.
//!
//! The quantities of HAMi and Volcano without a count, and the annotation `gpu-fraction`, are the business of `gpu-limits`
//! (`quantity-without-count`, `percent-above-100`, `wrong-gpu-fraction`); a `/dev/shm` for pods under MPS is withheld by `shared-memory`.
//! Shares of other vendors, such as AMD's partitions and AWS's virtual GPUs, add up and are left alone.

use tollgate_sdk::prelude::*;

mod asked;
use asked::Asked;

mod shares;

mod mps;

mod fraction;

/// Settings of `gpu-sharing`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct GpuSharing {
    /// Whether shares are offered as `nvidia.com/gpu.shared` here (`renameByDefault` of the device plugin); left out, both
    /// names are taken for right where the site shares GPUs.
    renamed: Option<bool>,
}

impl Policy for GpuSharing {
    const INFO: Info = Info::new(
        "gpu-sharing",
        "Refuses several shares of NVIDIA's GPUs in one container, and warns about shares that the cluster does not offer.",
        &[shares::SEVERAL, shares::NOT_OFFERED, mps::SHM, fraction::WRONG],
    )
    .wants(&["cluster"])
    .validates();

    fn validate(&self, review: &Review) -> Outcome {
        for pod in review.pods().iter() {
            fraction::report(pod);
            let asked = Asked::of(pod);
            if asked.is_empty() {
                continue;
            }
            let offer = shares::Offer::to(pod, self.renamed);
            for asked in &asked {
                offer.report(asked);
            }
            mps::report(pod, &asked, offer.is_mps());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
