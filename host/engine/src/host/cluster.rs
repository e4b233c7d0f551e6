//! What is known of the site and of the cluster.

use tollgate_context::{Answer, Asked, Known, Question, Scaler, Unit, Workload};
use wasmtime::component::Resource;

use super::{Result, pod_id, within};
use crate::bindings::tollgate::policy::{cluster, site};
use crate::state::{PodHandle, State};

impl site::Host for State {
    fn gpu_models(&mut self) -> Result<Vec<String>> {
        self.in_review()?;
        Ok(self.site.gpu_models.clone())
    }

    fn mig_strategy(&mut self) -> Result<Option<String>> {
        self.in_review()?;
        Ok(self.site.mig_strategy.clone())
    }

    fn sharing(&mut self) -> Result<Option<String>> {
        self.in_review()?;
        Ok(self.site.sharing.clone())
    }
}

impl cluster::Host for State {
    fn names(&mut self, kind: String, namespace: Option<String>) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::Names { kind, namespace })
    }

    fn claim_classes(
        &mut self,
        namespace: String,
        name: String,
        is_template: bool,
    ) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::ClaimClasses {
            namespace,
            name,
            is_template,
        })
    }

    fn claim_devices(
        &mut self,
        namespace: String,
        name: String,
        is_template: bool,
    ) -> Result<Option<u32>> {
        self.ask_number(Question::ClaimDevices {
            namespace,
            name,
            is_template,
        })
    }

    fn claim_modes(&mut self, namespace: String, name: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::ClaimModes { namespace, name })
    }

    fn workload_devices(
        &mut self,
        kind: String,
        namespace: String,
        name: String,
    ) -> Result<Option<Vec<(String, u32)>>> {
        let workload = Workload {
            kind,
            namespace,
            name,
        };
        Ok(match self.ask(Question::WorkloadDevices(workload))? {
            Answer::Devices(devices) => Some(devices.into_iter().map(few).collect()),
            _ => None,
        })
    }

    fn scalers(
        &mut self,
        kind: String,
        namespace: String,
        name: String,
    ) -> Result<Vec<cluster::Scaler>> {
        let workload = Workload {
            kind,
            namespace,
            name,
        };
        Ok(match self.ask(Question::Scalers(workload))? {
            Answer::Scalers(scalers) => scalers.into_iter().map(scaler).collect(),
            _ => Vec::new(),
        })
    }

    fn selected(&mut self, kind: String, namespace: String, name: String) -> Result<Option<u32>> {
        self.ask_number(Question::Selected(Workload {
            kind,
            namespace,
            name,
        }))
    }

    fn share_names(&mut self) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::ShareNames)
    }

    fn plugin_mig_strategies(&mut self, config_map: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::MigStrategies { config_map })
    }

    fn queue_resources(
        &mut self,
        namespace: String,
        name: String,
    ) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::QueueResources { namespace, name })
    }

    fn schedulers(&mut self) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::Schedulers)
    }

    fn node_label(&mut self, key: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::NodeLabel { key, pod: None })
    }

    fn amounts(&mut self, resource: String) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::Amounts { resource })
    }

    fn gpu_models(&mut self) -> Result<Option<cluster::Known>> {
        self.ask_known(Question::GpuModels { pod: None })
    }

    fn pod_total(&mut self, pod: Resource<PodHandle>, resource: String) -> Result<Option<u32>> {
        let pod = pod_id(&pod);
        self.ask_number(Question::Total { resource, pod })
    }

    fn pod_node_label(
        &mut self,
        pod: Resource<PodHandle>,
        key: String,
    ) -> Result<Option<cluster::Known>> {
        let pod = Some(pod_id(&pod));
        self.ask_known(Question::NodeLabel { key, pod })
    }

    fn pod_gpu_models(&mut self, pod: Resource<PodHandle>) -> Result<Option<cluster::Known>> {
        let pod = Some(pod_id(&pod));
        self.ask_known(Question::GpuModels { pod })
    }

    fn pod_gpu_units(&mut self, pod: Resource<PodHandle>) -> Result<Vec<cluster::GpuUnit>> {
        let pod = pod_id(&pod);
        Ok(match self.ask(Question::GpuUnits { pod })? {
            Answer::Units(units) => units.into_iter().map(gpu_unit).collect(),
            _ => Vec::new(),
        })
    }
}

impl State {
    /// Answers from the snapshot, if the policy may ask, and records the answer.
    fn ask(&mut self, question: Question) -> Result<Answer> {
        let review = self.review()?;
        let answer = match self.entry.as_ref().is_some_and(|entry| entry.cluster) {
            true => self.snapshot.answer(&question, review),
            false => Answer::Unknown,
        };
        within(self.limits.questions, "questions", self.asked.len() + 1)?;
        self.asked.push(Asked {
            question,
            answer: answer.clone(),
        });
        Ok(answer)
    }

    fn ask_number(&mut self, question: Question) -> Result<Option<u32>> {
        Ok(match self.ask(question)? {
            Answer::Number(number) => Some(u32::try_from(number).unwrap_or(u32::MAX)),
            _ => None,
        })
    }

    fn ask_known(&mut self, question: Question) -> Result<Option<cluster::Known>> {
        Ok(match self.ask(question)? {
            Answer::Known(Known {
                values,
                is_complete: complete,
            }) => Some(cluster::Known { values, complete }),
            _ => None,
        })
    }
}

fn few((name, count): (String, u64)) -> (String, u32) {
    (name, u32::try_from(count).unwrap_or(u32::MAX))
}

fn scaler(scaler: Scaler) -> cluster::Scaler {
    let Scaler {
        kind,
        name,
        resources,
    } = scaler;
    cluster::Scaler {
        kind: kind.to_owned(),
        name,
        resources,
    }
}

fn gpu_unit(unit: Unit) -> cluster::GpuUnit {
    cluster::GpuUnit {
        sharing: unit.sharing().as_str().to_owned(),
        replicas: unit.replicas(),
        mig_profile: unit.mig_profile(),
    }
}

impl State {
    /// The site may change without a new snapshot, so `configure` must not see it.
    fn in_review(&self) -> Result<()> {
        self.review().map(drop)
    }
}
