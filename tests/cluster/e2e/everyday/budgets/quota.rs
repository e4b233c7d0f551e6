//! A budget of whole GPUs in one namespace says what the API server's own ResourceQuota says.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tollgate_e2e::{Cluster, Namespace, until};

use super::{GPU, POD, account, taken, with_budget};
use crate::pods::wants;

const QUOTA: (&str, &str) = ("v1", "ResourceQuota");
const REQUESTS: &str = "requests.nvidia.com/gpu";

/// How many GPUs both have.
const AMOUNT: u32 = 7;

/// How many things happen, one after the other.
const STEPS: u32 = 80;

/// Where the sequence begins. Another number is another sequence.
const SEED: u64 = 20_261_126;

/// Numbers that look random and are the same each time: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What happens next.
#[derive(Debug)]
enum Step {
    Create { pod: Value, is_dry: bool },
    Delete { name: String },
    Complete { name: String },
}

/// The two namespaces, and what is live in both.
struct Twins<'a> {
    budgeted: &'a Namespace<'a>,
    limited: Namespace<'a>,
    live: Vec<(String, u32)>,
    admitted: u32,
    denied: u32,
}

pub(crate) async fn a_budget_of_whole_gpus_says_what_a_resource_quota_says(
    _: &Cluster,
) -> Result<()> {
    with_budget(AMOUNT, async |namespace, _| {
        let mut twins = Twins::new(namespace).await?;
        let mut numbers = Numbers(SEED);
        for number in 0..STEPS {
            let step = twins.next(number, &mut numbers);
            let what = format!("step {number} of seed {SEED}, {step:?}");
            twins.take(step).await.context(what)?;
        }
        ensure!(
            twins.admitted >= 20 && twins.denied >= 10,
            "{} were admitted and {} denied: that shows little",
            twins.admitted,
            twins.denied
        );
        Ok(())
    })
    .await
}

impl<'a> Twins<'a> {
    async fn new(budgeted: &'a Namespace<'a>) -> Result<Self> {
        let limited = budgeted.cluster().namespace("quota").await?;
        let quota = json!({
            "apiVersion": QUOTA.0, "kind": QUOTA.1, "metadata": {"name": "gpus"},
            "spec": {"hard": {REQUESTS: AMOUNT.to_string()}},
        });
        limited.create(quota).await?;
        let is_in_force = |quota: &Value| quota["status"]["used"][REQUESTS] == "0";
        limited.until_object(QUOTA, "gpus", is_in_force).await?;
        Ok(Self {
            budgeted,
            limited,
            live: Vec::new(),
            admitted: 0,
            denied: 0,
        })
    }

    fn next(&self, number: u32, numbers: &mut Numbers) -> Step {
        let choice = numbers.below(10);
        let count = u64::try_from(self.live.len()).unwrap_or_default();
        if choice < 6 || count == 0 {
            return Step::Create {
                pod: pod(&format!("p{number}"), numbers),
                is_dry: choice == 0,
            };
        }
        let index = usize::try_from(numbers.below(count)).unwrap_or_default();
        let name = self.live[index].0.clone();
        match choice {
            6..9 => Step::Delete { name },
            _ => Step::Complete { name },
        }
    }

    async fn take(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Create { pod, is_dry } => self.create(pod, is_dry).await?,
            Step::Delete { name } => {
                for namespace in [self.budgeted, &self.limited] {
                    namespace.delete(POD, &name).await?;
                }
                self.live.retain(|(live, _)| *live != name);
            }
            Step::Complete { name } => {
                let completed = json!({"metadata": {"annotations": {"test/complete": "true"}}});
                for namespace in [self.budgeted, &self.limited] {
                    namespace
                        .until_object(POD, &name, |pod| pod["status"]["phase"] == "Running")
                        .await?;
                    namespace.merge(POD, &name, &completed).await?;
                }
                self.live.retain(|(live, _)| *live != name);
            }
        }
        self.until_both_agree().await
    }

    async fn create(&mut self, pod: Value, is_dry: bool) -> Result<()> {
        let objects = self.budgeted.cluster().objects();
        let mut verdicts = Vec::new();
        for (namespace, who) in [
            (self.budgeted, "budget `research`"),
            (&self.limited, "exceeded quota"),
        ] {
            let created = match is_dry {
                true => objects.dry_run(namespace.name(), &pod).await,
                false => namespace.create(pod.clone()).await,
            };
            verdicts.push(match created {
                Ok(_) => true,
                Err(said) if said.to_string().contains(who) => false,
                Err(said) => bail!("neither let in nor refused by {who}: {said}"),
            });
        }
        ensure!(
            verdicts[0] == verdicts[1],
            "the budget says {}, the quota {}",
            verdicts[0],
            verdicts[1]
        );
        match verdicts[0] {
            true => self.admitted += 1,
            false => self.denied += 1,
        }
        if verdicts[0] && !is_dry {
            let name = pod["metadata"]["name"].as_str().context("no name")?;
            self.live.push((name.to_owned(), gpus(&pod)));
        }
        Ok(())
    }

    /// Both count after the fact what ended.
    async fn until_both_agree(&self) -> Result<()> {
        let expected: u32 = self.live.iter().map(|(_, gpus)| gpus).sum();
        let in_words = expected.to_string();
        until("both say the same", async || {
            let quota = self.limited.get(QUOTA, "gpus").await?;
            let used = &quota["status"]["used"][REQUESTS];
            ensure!(
                used.as_str() == Some(in_words.as_str()),
                "the quota says {used}"
            );
            let account = account(self.budgeted.cluster()).await?;
            let taken = taken(&account)?;
            ensure!(
                taken == (u128::from(expected), 0),
                "the budget says {taken:?}"
            );
            Ok(())
        })
        .await
        .with_context(|| format!("{expected} GPUs are taken by {:?}", self.live))
    }
}

/// A pod of up to two containers and an init container, each of which may ask for GPUs.
fn pod(name: &str, numbers: &mut Numbers) -> Value {
    let count = |numbers: &mut Numbers, least, most| least + numbers.below(most - least + 1);
    let mut pod = wants(name, GPU, &count(numbers, 1, 3).to_string());
    let template = pod["spec"]["containers"][0].clone();
    let another = |name: &str, gpus: u64| {
        let mut container = template.clone();
        container["name"] = name.into();
        container["resources"]["limits"][GPU] = gpus.to_string().into();
        container
    };
    if numbers.below(3) == 0 {
        let second = another("second", count(numbers, 1, 2));
        pod["spec"]["containers"]
            .as_array_mut()
            .into_iter()
            .for_each(|containers| containers.push(second.clone()));
    }
    if numbers.below(3) == 0 {
        pod["spec"]["initContainers"] = json!([another("first", count(numbers, 1, 4))]);
    }
    pod
}

/// What the scheduler counts: all containers together, or the largest that runs before them.
fn gpus(pod: &Value) -> u32 {
    let of = |field: &str| {
        let containers = pod["spec"][field].as_array().cloned().unwrap_or_default();
        let counts = containers.into_iter().filter_map(|container| {
            let count = container["resources"]["limits"][GPU].as_str()?;
            count.parse::<u32>().ok()
        });
        counts.collect::<Vec<_>>()
    };
    let together: u32 = of("containers").iter().sum();
    let before = of("initContainers").into_iter().max();
    together.max(before.unwrap_or_default())
}
