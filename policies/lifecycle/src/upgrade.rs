//! Upgrades that run the old and the new side by side.

use tollgate_sdk::prelude::*;

pub(crate) const DOUBLES: Rule = Rule::warn(
    "upgrade-doubles",
    "An upgrade of a RayService makes a second cluster beside the first, and a canary of an InferenceService a second set of pods: the devices must be there twice, or the upgrade is stuck.",
)
.about(&["RayService.ray.io", "InferenceService.serving.kserve.io"]);

/// What runs twice, where the object says so or leaves it at that, and what else it could say.
struct Doubling {
    path: &'static str,
    what: &'static str,
    actual: String,
    allowed: &'static str,
    fix: &'static str,
}

/// Warns about an object whose upgrade takes its devices twice.
pub(crate) fn report(review: &Review) {
    let doubling = match review.kind_dot_group().as_str() {
        "RayService.ray.io" => of_ray(review),
        "InferenceService.serving.kserve.io" => of_kserve(review),
        _ => None,
    };
    if let Some(doubling) = doubling {
        doubling.report();
    }
}

fn of_ray(review: &Review) -> Option<Doubling> {
    let kind = review.text("/spec/upgradeStrategy/type");
    let doubles = kind.as_deref().is_none_or(|kind| kind == "NewCluster");
    doubles.then(|| Doubling {
        path: "/spec/upgradeStrategy",
        what: "while it is upgraded a second cluster runs: its devices are taken twice",
        actual: kind.unwrap_or_else(|| "no `upgradeStrategy`, which is `NewCluster`".to_owned()),
        allowed: "`None`, `NewClusterWithIncrementalUpgrade`, or free devices for a second cluster",
        fix: "set `upgradeStrategy: {type: None}` where there are no devices for two clusters",
    })
}

fn of_kserve(review: &Review) -> Option<Doubling> {
    let percent = review.number("/spec/predictor/canaryTrafficPercent")?;
    (1..100).contains(&percent).then(|| Doubling {
        path: "/spec/predictor/canaryTrafficPercent",
        what: "the canary runs beside the old predictor: its devices are taken twice",
        actual: format!("{percent} percent"),
        allowed: "no canary, or free devices for a second predictor",
        fix: "remove `canaryTrafficPercent` where there are no devices for two predictors",
    })
}

impl Doubling {
    fn report(self) {
        DOUBLES
            .finding(self.path, self.what)
            .actual(self.actual)
            .allowed(self.allowed)
            .fix(self.fix)
            .report();
    }
}
