//! The page of files: what a configuration is, how budgets stand by the pods of a state, and what of the state would be
//! denied.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use tollgate_catalog::Catalog;
use tollgate_cluster::prometheus::Address;
use tollgate_dashboard::{Budget, Configuration, Denials, InUse, Source, View};
use tollgate_pipeline::Phase;
use tollgate_webhook::{Page, Rendered};

use super::{moment, note, policies, rendered};
use crate::args::{DashboardArgs, InputArgs};
use crate::budget::{self, LivePods};
use crate::failure::Failure;
use crate::input::{self, Content, Input, Item};
use crate::setup::{INSTANCES, Setup};

/// Makes the page of files as they are when somebody looks at it.
pub(super) struct Files {
    setup: Setup,
    configs: Vec<PathBuf>,
    states: Vec<PathBuf>,
    prometheus: Option<Address>,
}

impl Files {
    pub(super) fn new(args: &DashboardArgs) -> Result<Self, Failure> {
        let DashboardArgs {
            config,
            states,
            prometheus,
            ..
        } = args;
        Ok(Self {
            setup: Setup::new(config.clone(), INSTANCES)?,
            configs: config.configs.clone(),
            states: states.clone(),
            prometheus: prometheus.address(),
        })
    }

    pub(super) async fn view(&self, now: SystemTime) -> Result<View, Failure> {
        let Input { items, snapshot } = self.state()?;
        let catalog = self.setup.catalog().await?;
        catalog.context.store(snapshot);
        let live = budget::count(&catalog, now).await?;
        // Before anything is reviewed, which is charged too.
        let mut budgets = budget::shown(&catalog, Some(&live), now).await?;
        if let Some(address) = &self.prometheus {
            let busy = busy(&catalog, &live, address).await;
            in_use(
                &mut budgets,
                &busy.map_err(|failure| failure.lines().join("; ")),
            );
        }
        let denials = denials(&catalog, items, now).await?;
        let notices = catalog.notices(now);
        Ok(View {
            at: moment(now),
            version: env!("CARGO_PKG_VERSION"),
            source: Source::Files,
            configuration: Configuration {
                version: Some(short(catalog.version())),
                origin: self.origin(),
                refused: 0,
                notices: notices.iter().map(ToString::to_string).collect(),
            },
            certificate: None,
            activity: None,
            policies: policies(&catalog, None),
            off: catalog.off().map(str::to_owned).collect(),
            budgets: Ok(budgets),
            denials: denials.latest(),
        })
    }

    /// What is in the cluster, as it is known and as what is to be reviewed.
    fn state(&self) -> Result<Input, Failure> {
        if self.states.is_empty() {
            let snapshot = input::state(&[])?;
            let items = Vec::new();
            return Ok(Input { items, snapshot });
        }
        input::read(&InputArgs {
            paths: self.states.clone(),
            operation: None,
            old: None,
            user: None,
            groups: Vec::new(),
            states: self.states.clone(),
            namespace: "default".to_owned(),
        })
    }

    fn origin(&self) -> String {
        let paths = self.configs.iter().map(|path| path.display().to_string());
        match paths.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "the default profile".to_owned(),
            paths => paths,
        }
    }
}

async fn busy(
    catalog: &Catalog,
    live: &LivePods,
    address: &Address,
) -> Result<BTreeMap<String, InUse>, Failure> {
    budget::busy(catalog, live, &budget::ask(address).await?)
}

/// Shows how busy the devices of budgets are, or why that is not known.
pub(crate) fn in_use(budgets: &mut [Budget], busy: &Result<BTreeMap<String, InUse>, String>) {
    for budget in budgets {
        budget.in_use = match busy {
            Ok(busy) => busy.get(&budget.name).cloned().map(Ok),
            Err(why) => Some(Err(why.clone())),
        };
    }
}

/// The beginning of a version, enough to tell it from others.
pub(crate) fn short(version: &str) -> String {
    version.chars().take(12).collect()
}

async fn denials(catalog: &Catalog, items: Vec<Item>, now: SystemTime) -> Result<Denials, Failure> {
    let denials = Denials::default();
    for Item { source, content } in items {
        let Content::Request(request) = content else {
            continue;
        };
        let reviewed = tollgate_pipeline::review(catalog, *request, Phase::DryRun, now).await;
        let outcome = reviewed.map_err(|err| anyhow::anyhow!("{source}: {err}"))?;
        note(&denials, &outcome, now);
    }
    Ok(denials)
}

impl Page for Files {
    async fn render(&self, query: &str) -> Rendered {
        let now = SystemTime::now();
        match self.view(now).await {
            Ok(view) => rendered(&view, query),
            Err(failure) => rendered(&broken(&failure, now), query),
        }
    }
}

/// The page of files that cannot be used.
fn broken(failure: &Failure, now: SystemTime) -> View {
    View {
        at: moment(now),
        version: env!("CARGO_PKG_VERSION"),
        source: Source::Files,
        configuration: Configuration {
            version: None,
            origin: "cannot be used".to_owned(),
            refused: 0,
            notices: failure.lines(),
        },
        certificate: None,
        activity: None,
        policies: Vec::new(),
        off: Vec::new(),
        budgets: Ok(Vec::new()),
        denials: Vec::new(),
    }
}
