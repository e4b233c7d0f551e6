//! The document `PriceBook`: what an hour of a GPU costs here.

use std::{sync::Arc, sync::LazyLock};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_gpu::{Capacity, Price};

use super::{
    Decimal, ModelName,
    object::Spec,
    schema::{self, Problem},
};
use crate::yaml::Origin;

/// What a `PriceBook` document may say. Of the rows about a model, the one that says most counts, and of equal ones the
/// dearest; a model that no row is about costs the dearest of all, and findings say so.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceBookSpec {
    /// The currency, as messages name it, such as `USD`.
    pub currency: String,
    /// The prices.
    #[schemars(length(min = 1))]
    pub prices: Vec<PriceSpec>,
}

/// A price, where all that is given holds.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceSpec {
    /// The model. Any unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// A node label that the pod selects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_label: Option<NodeLabel>,
    /// The capacity that the pod asks for. Any unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityName>,
    /// What a whole GPU costs for an hour, as text, such as `"6.88"`.
    pub per_gpu_hour: Decimal,
}

/// A label of a node.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeLabel {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// On what terms a cloud lends a node.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityName {
    /// It may be taken back at short notice.
    Spot,
    /// It stays until it is given back.
    OnDemand,
}

/// A price book, with the name of its document.
#[derive(Clone, Debug)]
pub struct PriceBook {
    /// The name of its document.
    pub name: Arc<str>,
    /// What it says.
    pub spec: PriceBookSpec,
    /// Where its document stands.
    pub origin: Origin,
}

impl PriceBook {
    /// The prices as the cost function reads them.
    pub fn prices(&self) -> Vec<Price> {
        self.spec.prices.iter().map(PriceSpec::price).collect()
    }
}

impl PriceSpec {
    fn price(&self) -> Price {
        let Self {
            model,
            node_label,
            capacity,
            per_gpu_hour,
        } = self;
        Price {
            model: model.map(|name| name.model),
            node_label: node_label
                .as_ref()
                .map(|label| (label.key.clone(), label.value.clone())),
            capacity: capacity.map(|name| match name {
                CapacityName::Spot => Capacity::Spot,
                CapacityName::OnDemand => Capacity::OnDemand,
            }),
            per_hour: per_gpu_hour.millionths(),
        }
    }

    /// Whether it is about the same as another one.
    fn repeats(&self, other: &Self) -> bool {
        (self.model, &self.node_label, self.capacity)
            == (other.model, &other.node_label, other.capacity)
    }
}

impl Spec for PriceBookSpec {
    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<PriceBookSpec>);
        &SCHEMA
    }

    fn problems(&self) -> Vec<Problem> {
        let Self { currency, prices } = self;
        let mut problems = Vec::new();
        if currency.trim().is_empty() {
            problems.push(Problem::at("/currency", "the currency is empty"));
        }
        for (index, price) in prices.iter().enumerate() {
            let is_first =
                |(other, first): &(usize, &PriceSpec)| *other < index && price.repeats(first);
            if let Some((first, _)) = prices.iter().enumerate().find(is_first) {
                let message = format!("it is about the same as the price {first}");
                problems.push(Problem::at(format!("/prices/{index}"), message));
            }
        }
        problems
    }
}
