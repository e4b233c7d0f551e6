//! How busy the devices are that a budget is used for, beside what is held. People are told of it; no verdict depends on it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tollgate_budget::{LedgerError, Limit};
use tollgate_catalog::Charged;
use tollgate_cluster::prometheus::{Busy, WINDOW};
use tollgate_gpu::{Amount, AmountError, Unit};

use super::live::LivePods;

/// How busy the devices of a budget are.
pub(super) struct Utilisation {
    unit: Unit,
    pub(super) whole: Held,
    pub(super) namespaces: BTreeMap<String, Held>,
    pub(super) owners: BTreeMap<String, Held>,
}

/// What some pods hold.
#[derive(Clone, Copy, Default)]
pub(super) struct Held {
    held: Amount,
    /// What of it is measured, and that times the thousandths that it is busy.
    measured: Amount,
    busy: Amount,
}

impl Utilisation {
    /// What the pods of a budget hold and use, where it has a limit that counts GPUs of all models.
    pub(super) fn of(
        charged: &Charged,
        live: &LivePods,
        busy: &Busy,
    ) -> Result<Option<Self>, LedgerError> {
        let Some(limit) = in_gpus(&charged.limits) else {
            return Ok(None);
        };
        let mut utilisation = Self {
            unit: limit.unit,
            whole: Held::default(),
            namespaces: BTreeMap::new(),
            owners: BTreeMap::new(),
        };
        for pod in &live.counted {
            let charges = pod.charges.iter();
            let of_budget = charges.filter(|one| one.budget.name == charged.budget.name);
            let busy = busy
                .get(&(pod.namespace.clone(), pod.name.clone()))
                .copied();
            for draw in of_budget.filter_map(|one| one.charge.get(&limit.key())) {
                let holder = (pod.namespace.clone(), live.owner(pod));
                utilisation.add(holder, draw.now()?, busy)?;
            }
        }
        Ok(Some(utilisation))
    }

    fn add(
        &mut self,
        (namespace, owner): (String, String),
        amount: Amount,
        busy: Option<u32>,
    ) -> Result<(), AmountError> {
        self.whole.add(amount, busy)?;
        let namespace = self.namespaces.entry(namespace).or_default();
        namespace.add(amount, busy)?;
        self.owners.entry(owner).or_default().add(amount, busy)
    }

    /// An amount as text.
    pub(super) fn text(&self, amount: Amount) -> String {
        amount.text(self.unit)
    }

    pub(super) fn json(&self) -> Value {
        let each = |shares: &BTreeMap<String, Held>| -> Value {
            let shares = shares.iter();
            let shares = shares.map(|(name, held)| (name.clone(), Value::Object(self.held(held))));
            Value::Object(shares.collect())
        };
        let mut fields = self.held(&self.whole);
        fields.insert("window".to_owned(), WINDOW.into());
        fields.insert("byNamespace".to_owned(), each(&self.namespaces));
        fields.insert("byOwner".to_owned(), each(&self.owners));
        Value::Object(fields)
    }

    fn held(&self, held: &Held) -> Map<String, Value> {
        let percent = held.permille().map(|permille| f64::from(permille) / 10.0);
        let fields = [
            ("held", json!(self.text(held.held))),
            ("measured", json!(self.text(held.measured))),
            ("percent", json!(percent)),
        ];
        let fields = fields.into_iter();
        fields.map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The owners, and first those that hold most for nothing; of equals, by name.
    pub(super) fn idlest(&self) -> Vec<(&str, &Held)> {
        let owners = self.owners.iter();
        let mut owners: Vec<_> = owners.map(|(name, held)| (name.as_str(), held)).collect();
        owners.sort_by_key(|(_, held)| std::cmp::Reverse(held.idle()));
        owners
    }
}

impl Held {
    fn add(&mut self, amount: Amount, permille: Option<u32>) -> Result<(), AmountError> {
        self.held = self.held.plus(amount)?;
        if let Some(permille) = permille {
            self.measured = self.measured.plus(amount)?;
            self.busy = self.busy.plus(amount.times(permille.into())?)?;
        }
        Ok(())
    }

    /// How busy what is measured of it is, in thousandths; nothing where nothing is.
    pub(super) fn permille(&self) -> Option<u32> {
        let mean = self.busy.atoms().checked_div(self.measured.atoms())?;
        u32::try_from(mean).ok()
    }

    /// What is measured and does nothing, in thousandths of atoms.
    fn idle(&self) -> u128 {
        let all = self.measured.times(1_000).unwrap_or_default();
        all.less(self.busy).atoms()
    }

    /// What is held, and how busy it is, for people.
    pub(super) fn told(&self, text: impl Fn(Amount) -> String) -> String {
        let held = text(self.held);
        let Some(permille) = self.permille() else {
            return format!("{held}, not measured");
        };
        let percent = (permille + 5) / 10;
        match self.measured == self.held {
            true => format!("{held} at {percent} %"),
            false => format!("{held}, of which {} at {percent} %", text(self.measured)),
        }
    }
}

/// The limit that tells GPUs: of GPU-hours, each pod takes in an hour what it holds.
fn in_gpus(limits: &[Limit]) -> Option<&Limit> {
    let of = |unit: Unit| {
        limits
            .iter()
            .find(move |limit| limit.unit == unit && limit.model.is_none())
    };
    of(Unit::Gpu).or_else(|| of(Unit::GpuHours))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(parts: &[(u128, Option<u32>)]) -> Held {
        let mut held = Held::default();
        for (amount, permille) in parts {
            held.add(Amount::from_atoms(*amount), *permille).unwrap();
        }
        held
    }

    #[test]
    fn the_mean_is_weighed_by_what_is_held_and_of_what_is_measured() {
        let text = |amount: Amount| amount.atoms().to_string();
        let of = |parts: &[_]| held(parts).told(text);
        assert_eq!(of(&[(6, Some(100)), (2, Some(900))]), "8 at 30 %");
        assert_eq!(of(&[(6, Some(100)), (2, None)]), "8, of which 6 at 10 %");
        assert_eq!(of(&[(6, None)]), "6, not measured");
        assert_eq!(of(&[(1, Some(4))]), "1 at 0 %");
    }
}
