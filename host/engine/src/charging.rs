//! The import `budget`: answers from what was read of budgets when the review began, and keeps what is proposed.

use tollgate_admission::PodId;
use tollgate_budget::{Limit, Reading, Standing, Wanted, Weighed};
use tollgate_gpu::{Amount, Capacity, Price};
use wasmtime::component::Resource;

use crate::Fault;
use crate::bindings::tollgate::policy::budget;
use crate::state::{Doing, PodHandle, State};

type Result<T> = wasmtime::Result<T>;

/// What a policy wants a pod to be charged.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// The pod.
    pub pod: PodId,
    /// The budget, the charge, and how the budget's limits stand for it.
    pub weighed: Weighed,
}

impl budget::Host for State {
    fn accounts(&mut self, pod: Resource<PodHandle>) -> Result<Vec<budget::Account>> {
        let Some(pod) = self.charged(&pod)? else {
            return Ok(Vec::new());
        };
        let reading = self.readings.of(pod);
        let accounts = reading.into_iter().flat_map(|pod| {
            let priority = pod.priority;
            pod.budgets.iter().map(move |one| account(one, priority))
        });
        Ok(accounts.collect())
    }

    fn charge(
        &mut self,
        pod: Resource<PodHandle>,
        account: String,
        draws: Vec<budget::Draw>,
    ) -> Result<std::result::Result<Vec<budget::Standing>, String>> {
        let Some(index) = self.charged(&pod)? else {
            let grant = "charges are proposed in `validate`, with the grant `budget`";
            return Ok(Err(grant.to_owned()));
        };
        let weighed = wanted(draws).and_then(|wanted| {
            let weighed = self.readings.weigh(index, &account, &wanted);
            weighed.map_err(|err| err.to_string())
        });
        Ok(weighed.map(|weighed| {
            let standings = weighed.standings.iter().map(standing).collect();
            self.propose(PodId(pod.rep()), weighed);
            standings
        }))
    }
}

impl State {
    /// The index of a pod, where the policy may ask about its budgets.
    fn charged(&self, pod: &Resource<PodHandle>) -> Result<Option<usize>> {
        if self.review()?.pod(PodId(pod.rep())).is_none() {
            return Err(Fault::bad_answer("it used a pod of another review").into());
        }
        let is_granted = self.entry.as_ref().is_some_and(|entry| entry.budget);
        let may = is_granted && self.doing == Doing::Validating;
        Ok(may.then(|| usize::try_from(pod.rep()).ok()).flatten())
    }

    fn propose(&mut self, pod: PodId, weighed: Weighed) {
        let is_other =
            |known: &Proposed| known.pod != pod || known.weighed.budget.name != weighed.budget.name;
        self.charges.retain(is_other);
        if !weighed.charge.is_empty() {
            self.charges.push(Proposed { pod, weighed });
        }
    }
}

fn account(reading: &Reading, priority: i32) -> budget::Account {
    budget::Account {
        name: reading.name.to_string(),
        warns: reading.warns,
        contact: reading.contact.clone(),
        currency: reading.currency.clone(),
        prices: reading.prices.iter().map(price).collect(),
        limits: reading
            .limits
            .iter()
            .map(|one| limit(one, priority))
            .collect(),
        extra: Vec::new(),
    }
}

fn price(price: &Price) -> budget::Price {
    budget::Price {
        model: price.model.map(|model| model.id.to_owned()),
        node_label: price.node_label.clone(),
        capacity: price.capacity.map(|capacity| {
            let word = match capacity {
                Capacity::Spot => "spot",
                Capacity::OnDemand => "on-demand",
            };
            word.to_owned()
        }),
        per_hour: atoms(price.per_hour),
    }
}

fn limit(limit: &Limit, priority: i32) -> budget::Limit {
    budget::Limit {
        key: limit.key().to_string(),
        unit: limit.unit.as_str().to_owned(),
        model: limit.model.map(|model| model.id.to_owned()),
        window: limit.window.as_ref().map(ToString::to_string),
        amount: atoms(limit.amount),
        ceiling: atoms(limit.ceiling(priority)),
        above: limit.share.map(|share| share.above),
        soft: limit.soft.map(atoms),
        extra: Vec::new(),
    }
}

fn standing(standing: &Standing) -> budget::Standing {
    budget::Standing {
        limit: standing.limit.to_string(),
        used: atoms(standing.used),
        reserved: atoms(standing.reserved),
        requested: atoms(standing.requested),
        resets: standing.resets_at(),
        exceeded: standing.is_exceeded,
        extra: Vec::new(),
    }
}

fn atoms(amount: Amount) -> String {
    amount.atoms().to_string()
}

fn wanted(draws: Vec<budget::Draw>) -> std::result::Result<Vec<Wanted>, String> {
    let wanted = |draw: budget::Draw| {
        let amount: u128 = draw
            .amount
            .parse()
            .map_err(|_| format!("`{}` is no number of atoms", draw.amount))?;
        Ok(Wanted {
            limit: draw.limit,
            amount: Amount::from_atoms(amount),
            seconds: draw.seconds,
        })
    };
    draws.into_iter().map(wanted).collect()
}
