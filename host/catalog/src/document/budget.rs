//! The document `Budget`: how much of the accelerators some pods may use together.

use std::{collections::BTreeSet, sync::Arc, sync::LazyLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_budget::{Limit, MOST_LIMITS, PriorityShare};
use tollgate_gpu::{Amount, Unit};

use super::{
    Decimal, LabelSelector, Labels, ModelName, WindowName, ZoneName,
    object::Spec,
    schema::{self, Problem},
};
use crate::yaml::Origin;

/// What a `Budget` document may say. A pod that it applies to must fit into each of its limits; where several budgets
/// apply, into each of theirs.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetSpec {
    /// Which pods it applies to.
    pub scope: BudgetScope,
    /// The limits.
    #[schemars(length(min = 1))]
    pub limits: Vec<LimitSpec>,
    /// What happens to a pod that does not fit: `deny` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_exceed: Option<OnExceed>,
    /// The time zone of calendar windows, such as `Europe/Berlin`. UTC unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<ZoneName>,
    /// The `PriceBook` by which `money` is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_book: Option<String>,
    /// Whom to ask for more: a text that denials show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Which pods a budget applies to: all that is given must hold. Users and groups are not asked, since a controller
/// creates most pods.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BudgetScope {
    /// The namespaces, by name. Every one unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub namespaces: Vec<String>,
    /// Selects namespaces by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Selects pods by their labels or their template's. Whoever writes a pod chooses its labels: a budget that nobody
    /// should get around is for whole namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
}

/// One limit of a budget.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LimitSpec {
    /// What it counts.
    pub unit: UnitName,
    /// The most, as text, such as `"4"` or `"0.5"`.
    pub amount: Decimal,
    /// The model whose devices alone count, and all that may be of it. Every device unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// Over what time `gpu-hours` and `money` add up: `day`, `week`, `month`, or the last hours or days, such as `30d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowName>,
    /// From where on there is a warning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_limit: Option<Decimal>,
    /// A part that only pods above a priority may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_share: Option<PriorityShareSpec>,
}

/// A part of a limit that is kept for important pods.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriorityShareSpec {
    /// How much of the amount is kept.
    pub amount: Decimal,
    /// The priority above which a pod may use it.
    pub above: i32,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitName {
    /// GPUs at one time; slices and shares are their part of one.
    Gpu,
    /// Gibibytes of device memory at one time.
    GpuMemory,
    /// GPUs times hours within a window.
    GpuHours,
    /// Units of the price book's currency within a window.
    Money,
}

/// What happens to a pod that does not fit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnExceed {
    /// It is refused.
    #[default]
    Deny,
    /// It is charged all the same, with a warning.
    Warn,
}

/// A budget, with the name of its document.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The name of its document.
    pub name: Arc<str>,
    /// What it says.
    pub spec: BudgetSpec,
    /// Where its document stands.
    pub origin: Origin,
}

impl Budget {
    /// Whether it applies to pods of these labels in a namespace; `None` where that cannot be told, because the labels
    /// of the namespace are not known.
    pub fn applies_to(
        &self,
        namespace: &str,
        namespace_labels: Option<&Labels>,
        pod_labels: &Labels,
    ) -> Option<bool> {
        let BudgetScope {
            namespaces,
            namespace_selector,
            pod_selector,
        } = &self.spec.scope;
        let is_named = namespaces.is_empty() || namespaces.iter().any(|name| name == namespace);
        let is_selected = pod_selector
            .as_ref()
            .is_none_or(|selector| selector.matches(pod_labels));
        match namespace_selector {
            Some(selector) if is_named && is_selected => {
                namespace_labels.map(|labels| selector.matches(labels))
            }
            _ => Some(is_named && is_selected),
        }
    }

    /// Whether a namespace comes into its scope or leaves it where its labels change.
    pub fn moves(&self, namespace: &str, before: &Labels, after: &Labels) -> bool {
        let BudgetScope {
            namespaces,
            namespace_selector,
            ..
        } = &self.spec.scope;
        let is_named = namespaces.is_empty() || namespaces.iter().any(|name| name == namespace);
        let moves = |selector: &LabelSelector| selector.matches(before) != selector.matches(after);
        is_named && namespace_selector.as_ref().is_some_and(moves)
    }

    /// The limits as the ledger counts them, in the order of the document.
    pub fn limits(&self) -> Vec<Limit> {
        let zone = self.spec.time_zone.as_ref();
        let limits = self.spec.limits.iter();
        limits.filter_map(|limit| limit.counted(zone)).collect()
    }

    fn counts_money(&self) -> bool {
        counts_money(&self.spec.limits)
    }

    /// The price book that it needs and names.
    pub(crate) fn price_book(&self) -> Option<&str> {
        self.spec
            .price_book
            .as_deref()
            .filter(|_| self.counts_money())
    }
}

impl UnitName {
    /// The unit.
    pub fn unit(self) -> Unit {
        match self {
            Self::Gpu => Unit::Gpu,
            Self::GpuMemory => Unit::GpuMemory,
            Self::GpuHours => Unit::GpuHours,
            Self::Money => Unit::Money,
        }
    }
}

impl LimitSpec {
    /// The limit as the ledger counts it; nothing where an amount is too large, which [`Spec::problems`] tells.
    fn counted(&self, zone: Option<&ZoneName>) -> Option<Limit> {
        let Self {
            unit,
            amount,
            model,
            window,
            soft_limit,
            priority_share,
        } = self;
        let unit = unit.unit();
        let counted = |decimal: Decimal| decimal.of(unit).ok();
        let share = |share: PriorityShareSpec| {
            counted(share.amount).map(|amount| PriorityShare {
                amount,
                above: share.above,
            })
        };
        Some(Limit {
            unit,
            model: model.map(|name| name.model),
            window: window.and_then(|window| window.within(zone)),
            amount: counted(*amount)?,
            soft: soft_limit.and_then(counted),
            share: priority_share.and_then(share),
        })
    }

    fn problems(&self, at: &str) -> Vec<Problem> {
        let mut problems = self.problem_of_window(at).into_iter().collect::<Vec<_>>();
        if let Err(err) = self.amount.of(self.unit.unit()) {
            problems.push(Problem::at(format!("{at}/amount"), err.to_string()));
        }
        let share = self.priority_share.map(|share| share.amount);
        for (key, part) in [
            ("softLimit", self.soft_limit),
            ("priorityShare/amount", share),
        ] {
            let millionths = part.map_or(Amount::ZERO, Decimal::millionths);
            if millionths > self.amount.millionths() {
                let message = format!("it is more than the `amount`, {}", self.amount);
                problems.push(Problem::at(format!("{at}/{key}"), message));
            }
        }
        problems
    }

    fn problem_of_window(&self, at: &str) -> Option<Problem> {
        let unit = self.unit.unit();
        match (unit.adds_up(), &self.window) {
            (true, None) => {
                let message = format!(
                    "`{}` adds up over time, so it needs a `window`",
                    unit.as_str()
                );
                Some(Problem::at(at, message).hint("write `window: month`, or `window: 30d`"))
            }
            (false, Some(_)) => {
                let message = format!("`{}` counts what runs at one time", unit.as_str());
                Some(Problem::at(format!("{at}/window"), message).hint("leave the `window` out"))
            }
            _ => None,
        }
    }
}

fn counts_money(limits: &[LimitSpec]) -> bool {
    limits.iter().any(|limit| limit.unit == UnitName::Money)
}

impl Spec for BudgetSpec {
    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<BudgetSpec>);
        &SCHEMA
    }

    fn problems(&self) -> Vec<Problem> {
        let Self {
            scope,
            limits,
            on_exceed: _,
            time_zone,
            price_book,
            contact: _,
        } = self;
        let mut problems = Vec::new();
        let selectors = [
            ("namespaceSelector", &scope.namespace_selector),
            ("podSelector", &scope.pod_selector),
        ];
        for (key, selector) in selectors {
            let selector = selector.iter();
            problems.extend(
                selector.flat_map(|one| one.problems(&format!("/scope/{key}")).collect::<Vec<_>>()),
            );
        }
        if limits.len() > MOST_LIMITS {
            let message = format!(
                "{} limits; a budget has at most {MOST_LIMITS}",
                limits.len()
            );
            let hint =
                "make several budgets of it: a pod must fit into each that it is in the scope of";
            problems.push(Problem::at("/limits", message).hint(hint));
        }
        let mut keys = BTreeSet::new();
        for (index, limit) in limits.iter().enumerate() {
            let at = format!("/limits/{index}");
            problems.extend(limit.problems(&at));
            let key = limit.counted(time_zone.as_ref()).map(|limit| limit.key());
            if let Some(key) = key.filter(|key| !keys.insert(key.clone())) {
                problems.push(Problem::at(
                    at,
                    format!("the limit of `{key}` is given twice"),
                ));
            }
        }
        if counts_money(limits) && price_book.is_none() {
            let hint = "write `priceBook: NAME`, the name of a `PriceBook`";
            problems.push(Problem::at("", "`money` needs prices").hint(hint));
        }
        problems
    }
}

#[cfg(test)]
mod tests;
