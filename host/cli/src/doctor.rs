//! `tollgate doctor`: what commonly goes wrong, looked at.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tollgate_catalog::{Configuration, Diagnostic};
use tollgate_cluster::doctor::{Check, Level, Patient, examine};
use tollgate_cluster::{Client, inventory};
use tollgate_webhook as webhook;

use crate::args::{DoctorArgs, DoctorFormat};
use crate::audit::standing;
use crate::connection::with_client;
use crate::failure::Failure;
use crate::setup::{INSTANCES, Setup};
use crate::terminal;

/// Makes all checks and prints how they ended. The status says whether something fails.
pub(crate) fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let mut checks = here(args)?;
    if args.cluster {
        checks.extend(with_client(args.kubeconfig.as_deref(), async |client| {
            in_cluster(args, client).await
        })?);
    }
    terminal::print(|out| match args.output {
        DoctorFormat::Text => text(&checks, out),
        DoctorFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &object(&checks))?;
            writeln!(out)
        }
    })?;
    Ok(match worst(&checks) {
        Level::Fail => ExitCode::from(1),
        Level::Ok | Level::Warn => ExitCode::SUCCESS,
    })
}

fn worst(checks: &[Check]) -> Level {
    let levels = checks.iter().map(|check| check.level);
    levels.max().unwrap_or(Level::Ok)
}

/// What can be looked at without a cluster.
fn here(args: &DoctorArgs) -> Result<Vec<Check>, Failure> {
    let setup = Setup::new(args.config.clone(), INSTANCES)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let mut checks = Vec::new();
    // Without files the cluster's own documents are what counts.
    if !args.cluster || !args.config.configs.is_empty() {
        checks = match setup.own() {
            Ok(own) => {
                let count = own.policies.len() + own.exemptions.len() + own.budgets.len();
                let read = format!("{count} documents can be read");
                let mut checks = vec![Check::ok("documents", read)];
                checks.extend(runtime.block_on(policies(&setup, own)));
                checks
            }
            Err(failure) => told("documents", failure),
        };
    }
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        checks.push(tls(certificate, key));
    }
    Ok(checks)
}

/// Whether the policies of a configuration can be loaded, and what whoever wrote it should know.
async fn policies(setup: &Setup, own: Configuration) -> Vec<Check> {
    match setup.catalog_of(own).await {
        Ok(catalog) => {
            let loaded = format!("{} policies are ready to run", catalog.entries.len());
            let mut checks = vec![Check::ok("policies", loaded)];
            let notices = catalog.notices(SystemTime::now());
            checks.extend(
                notices
                    .iter()
                    .map(|notice| noticed("notice", Check::warn, notice)),
            );
            if notices.is_empty() {
                checks.push(Check::ok(
                    "notices",
                    "no exemption is over, and all that is named is there",
                ));
            }
            checks
        }
        Err(failure) => told("policies", failure),
    }
}

/// A check for each thing that is wrong.
fn told(name: &'static str, failure: Failure) -> Vec<Check> {
    match failure {
        Failure::Diagnostics(wrong) => wrong
            .iter()
            .map(|it| noticed(name, Check::fail, it))
            .collect(),
        Failure::Error(err) => vec![Check::fail(name, format!("{err:#}"))],
    }
}

fn noticed(
    name: &'static str,
    level: fn(&'static str, String) -> Check,
    diagnostic: &Diagnostic,
) -> Check {
    let check = level(name, diagnostic.to_string());
    match &diagnostic.hint {
        Some(hint) => check.fix(hint),
        None => check.fix("correct the document at that place"),
    }
}

fn tls(certificate: &Path, key: &Path) -> Check {
    let read = || {
        let files = [certificate, key].map(std::fs::read_to_string);
        let [Ok(certificate), Ok(key)] = files else {
            return Err("a file cannot be read as text".to_owned());
        };
        let pair = webhook::Pair::new(certificate, key);
        pair.check().map_err(|err| err.to_string())
    };
    let now = SystemTime::now();
    const NAME: &str = "certificate";
    match read() {
        Err(err) => {
            Check::fail(NAME, err).fix("give the chain in PEM, leaf first, and its own key")
        }
        Ok(end) if end <= now => Check::fail(NAME, "it has expired").fix("have it renewed"),
        Ok(_) => Check::ok(NAME, "it can be served"),
    }
}

async fn in_cluster(args: &DoctorArgs, client: &Client) -> Result<Vec<Check>, Failure> {
    let patient = Patient {
        namespace: args.namespace.clone(),
        now: SystemTime::now(),
    };
    let mut checks = examine(client, &patient).await;
    // Where the API server cannot be asked, there is nothing more to tell.
    if let Ok(documents) = inventory::documents(client).await {
        let setup = Setup::new(args.config.clone(), INSTANCES)?;
        match standing(&documents) {
            Ok(own) => checks.extend(policies(&setup, own).await),
            Err(failure) => checks.extend(told("documents", failure)),
        }
    }
    Ok(checks)
}

fn style(level: Level) -> Style {
    match level {
        Level::Ok => AnsiColor::Green.on_default(),
        Level::Warn => AnsiColor::Yellow.on_default(),
        Level::Fail => AnsiColor::Red.on_default().bold(),
    }
}

fn text(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    let names = checks.iter().map(|check| check.name.len());
    let width = names.max().unwrap_or_default();
    for check in checks {
        let Check {
            name,
            level,
            message,
            fix,
        } = check;
        let (style, word) = (style(*level), level.as_str());
        writeln!(out, "{style}{word:4}{style:#}  {name:width$}  {message}")?;
        if let Some(fix) = fix {
            writeln!(out, "{:1$}fix: {fix}", "", width + 8)?;
        }
    }
    Ok(())
}

/// The object of `-o json`.
fn object(checks: &[Check]) -> Value {
    let check = |check: &Check| {
        let mut fields = Map::new();
        let texts = [
            ("name", Some(check.name)),
            ("level", Some(check.level.as_str())),
            ("message", Some(check.message.as_str())),
            ("fix", check.fix.as_deref()),
        ];
        fields.extend(
            texts
                .into_iter()
                .filter_map(|(key, text)| Some((key.to_owned(), text?.into()))),
        );
        Value::Object(fields)
    };
    let all: Vec<_> = checks.iter().map(check).collect();
    json!({"level": worst(checks).as_str(), "checks": all})
}
