//! `tollgate audit`: what policies say of objects that exist, as reports.

mod cluster;
mod tally;

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use serde_json::Value;
use tollgate_cluster::report::{Findings, Flavour};

pub(crate) use self::cluster::standing;
use self::tally::Tally;
use crate::args::{AuditArgs, DisplayArgs, InputArgs, ReportKind};
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::render::block;
use crate::{budget, diagnostic, review, setup, terminal};

/// Audits documents, or a cluster. The status says whether anything would be refused.
pub(crate) fn run(args: &AuditArgs, display: &DisplayArgs) -> Result<ExitCode, Failure> {
    if args.cluster {
        return cluster::run(args, display);
    }
    let tally = files(args)?;
    let status = tally.summary.status();
    print(tally.findings, flavour(args.report))?;
    Ok(status)
}

fn files(args: &AuditArgs) -> Result<Tally, Failure> {
    let input = InputArgs {
        paths: args.paths.clone(),
        operation: None,
        old: None,
        user: None,
        groups: Vec::new(),
        states: args.states.clone(),
        namespace: "default".to_owned(),
    };
    let Input { items, snapshot } = input::read(&input)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.context("cannot start")?.block_on(async {
        let now = SystemTime::now();
        let catalog = setup::catalog(&args.config).await?;
        catalog.context.store(snapshot);
        budget::count(&catalog, now).await?;
        terminal::complain(&diagnostic::render_warnings(&catalog.notices(now)));
        let mut tally = Tally::default();
        for answer in review::review_all(&catalog, items, now).await? {
            tally.take(&answer);
        }
        Ok(tally)
    })
}

fn flavour(kind: ReportKind) -> Flavour {
    match kind {
        ReportKind::WgPolicy => Flavour::WgPolicy,
        ReportKind::OpenReports => Flavour::OpenReports,
    }
}

fn print(findings: Findings, flavour: Flavour) -> Result<(), Failure> {
    let mut reports = findings.reports(flavour);
    terminal::print(|out| {
        reports.try_for_each(|report: Value| {
            writeln!(out, "---")?;
            block::write(&report, out)
        })
    })?;
    Ok(())
}
