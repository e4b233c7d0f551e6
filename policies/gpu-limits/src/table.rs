//! CPU and memory for containers that take GPUs, from a table that says what comes with one GPU.
//!
//! The API server makes a limit the request too where there is none, so what is injected here is also reserved, and
//! the pod is not among the first to be evicted. Only what is missing is set: memory where there is no limit of it,
//! CPU where there is neither request nor limit, since a CPU request alone is often meant so.

use std::fmt;

use tollgate_sdk::gpu::{Candidates, Class, Model, Quantity, Vendor, WHOLE, weight_56ths};
use tollgate_sdk::prelude::*;
use tollgate_sdk::{cluster_models, selected_models};

use crate::asked::Asked;
use crate::count::{counts_whole_gpus, shares};

pub(crate) const FROM_TABLE: Rule = Rule::repair(
    "limits-from-table",
    "A container that takes GPUs has limits of CPU and memory: what comes with its GPUs by the setting `perGpu`, where it sets none itself.",
);

/// What comes with one GPU.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The model, such as `A100-80GB`. Left out: every GPU whose model has no row, or is not known.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    model: Option<Known>,
    /// Processors, such as `12` or `3500m`.
    #[serde(default)]
    cpu: Option<Amount>,
    /// Memory, such as `128Gi`.
    #[serde(default)]
    memory: Option<Amount>,
}

/// A model that is known.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Known(&'static Model);

impl TryFrom<String> for Known {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Model::parse(&name).map(Self).map_err(|err| err.to_string())
    }
}

/// An amount above zero.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
#[schemars(with = "Written")]
struct Amount(Quantity);

/// A quantity, as text or as a plain number.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    Number(u32),
    Text(String),
}

impl TryFrom<Written> for Amount {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let amount = match &written {
            Written::Number(number) => Quantity::from(i64::from(*number)),
            Written::Text(text) => Quantity::parse(text).map_err(|err| err.to_string())?,
        };
        if amount <= Quantity::ZERO {
            return Err("an amount of a resource must be above zero".to_owned());
        }
        Ok(Self(amount))
    }
}

impl Row {
    fn is_for(&self, model: Option<&Model>) -> bool {
        self.model.as_ref().map(|known| known.0) == model
    }

    /// The default row is for GPUs; other devices need a row of their own.
    fn fits(&self, vendor: Vendor) -> bool {
        match &self.model {
            Some(known) => known.0.vendor == vendor,
            None => matches!(vendor, Vendor::Nvidia | Vendor::Amd),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(known) => write!(f, "the row of `{}`", known.0.id),
            None => write!(f, "the row without a model"),
        }
    }
}

/// Finds rows that say nothing, or that say the same as another.
pub(crate) fn check(table: &[Row]) -> Result<(), String> {
    for (index, row) in table.iter().enumerate() {
        if row.cpu.is_none() && row.memory.is_none() {
            return Err(format!("perGpu: {row} has neither `cpu` nor `memory`"));
        }
        let model = row.model.as_ref().map(|known| known.0);
        if table
            .iter()
            .take(index)
            .any(|earlier| earlier.is_for(model))
        {
            return Err(format!("perGpu: {row} stands there twice"));
        }
    }
    Ok(())
}

/// Sets the limits that containers with GPUs lack.
pub(crate) fn repair(table: &[Row], pod: &Pod, asked: &[Asked]) -> Outcome {
    if table.is_empty() || !asked.iter().any(Asked::has_devices) {
        return Ok(());
    }
    let own = |name| pod.limit(name).is_some() || pod.request(name).is_some();
    let (own_cpu, own_memory) = (own("cpu"), own("memory"));
    let models = Models::of(pod);
    for asked in asked {
        let (cpu, memory) = models.due(table, asked);
        if let Some(memory) = memory.filter(|_| !own_memory) {
            set_memory(asked, memory)?;
        }
        if let Some(cpu) = cpu.filter(|_| !own_cpu && asked.get("cpu").is_none()) {
            asked.set_limit(FROM_TABLE, "cpu", &cpu.to_string())?;
        }
    }
    Ok(())
}

/// A request above what is due becomes the limit: it was asked for on purpose.
fn set_memory(asked: &Asked, due: Quantity) -> Outcome {
    let wanted = asked.get("memory");
    if wanted.is_some_and(|wanted| wanted.limit.is_some()) {
        return Ok(());
    }
    let limit = match wanted.map(|wanted| (wanted.amount(), wanted.text())) {
        Some((Some(request), text)) if request > due => text.to_owned(),
        Some((None, _)) => return Ok(()),
        _ => due.to_binary_string(),
    };
    asked.set_limit(FROM_TABLE, "memory", &limit)
}

/// The models that a pod may get.
struct Models {
    selected: Vec<&'static Model>,
    cluster: Vec<&'static Model>,
    /// Whether one `nvidia.com/gpu` is a whole one.
    whole: bool,
}

impl Models {
    fn of(pod: &Pod) -> Self {
        Self {
            selected: selected_models(pod).unwrap_or_default(),
            cluster: cluster_models(),
            whole: counts_whole_gpus(pod),
        }
    }

    /// The CPU and the memory that are due to a container.
    fn due(&self, table: &[Row], asked: &Asked) -> (Option<Quantity>, Option<Quantity>) {
        let (mut cpu, mut memory) = (None, None);
        for (wanted, known, count) in asked.devices() {
            let parts = match known.class {
                Class::Device if self.whole && !shares(asked, known) => WHOLE,
                Class::Slice => self.slice(&wanted.name),
                _ => 0,
            };
            let parts = parts.saturating_mul(count);
            let of = |amount: fn(&Row) -> Option<Amount>| self.least(table, known.vendor, amount);
            cpu = sum(cpu, part(of(|row| row.cpu), parts, MILLI));
            memory = sum(memory, part(of(|row| row.memory), parts, Quantity::MIB));
        }
        (cpu, memory)
    }

    /// The part of a GPU that a MIG device is, in 56ths. What a share in time is worth nobody can tell.
    fn slice(&self, name: &str) -> u32 {
        let is_cut = name.starts_with("nvidia.com/mig-") && !name.ends_with(".shared");
        let candidates = Candidates {
            selected: &self.selected,
            cluster: &self.cluster,
        };
        if is_cut {
            weight_56ths(name, &candidates).unwrap_or(0)
        } else {
            0
        }
    }

    /// What comes with one GPU of the models that the pod selects, else of the only one that the cluster has, else
    /// by the row without a model; the least where there are several.
    fn least(
        &self,
        table: &[Row],
        vendor: Vendor,
        amount: fn(&Row) -> Option<Amount>,
    ) -> Option<Quantity> {
        let row = |model| {
            table
                .iter()
                .find(|row| row.is_for(model) && row.fits(vendor))
        };
        let models = match (self.selected.as_slice(), self.cluster.as_slice()) {
            ([], [only]) => std::slice::from_ref(only),
            (selected, _) => selected,
        };
        let of_model = |model: &&'static Model| row(Some(*model)).or_else(|| row(None));
        let mut rows: Vec<_> = models.iter().map(of_model).collect();
        if models.is_empty() {
            rows.push(row(None));
        }
        let amounts: Option<Vec<Amount>> = rows.into_iter().map(|row| amount(row?)).collect();
        amounts?.iter().map(|amount| amount.0).min()
    }
}

const MILLI: Quantity = Quantity::from_nanos(1_000_000);

/// So many 56ths of an amount, rounded down to a multiple of the unit; nothing where nothing is left.
fn part(amount: Option<Quantity>, parts: u32, unit: Quantity) -> Option<Quantity> {
    let all = amount?.checked_mul(parts)?.nanos();
    let part = Quantity::from_nanos(all / i128::from(WHOLE)).floor_to(unit);
    (!part.is_zero()).then_some(part)
}

fn sum(left: Option<Quantity>, right: Option<Quantity>) -> Option<Quantity> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.saturating_add(right)),
        (left, right) => left.or(right),
    }
}
