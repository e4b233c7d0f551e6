//! `tollgate policy`: what the policies are, and what they say of themselves.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow};
use tollgate_catalog::{Catalog, Entry, Mode};
use tollgate_engine::PolicyInfo;

use crate::args::{ConfigArgs, PolicyArgs, PolicyCommand};
use crate::failure::Failure;
use crate::setup::{INSTANCES, Setup};
use crate::{diagnostic, terminal};

/// Runs one of the subcommands.
pub(crate) fn run(args: &PolicyArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("cannot start")?;
    let mut out = anstream::stdout().lock();
    runtime.block_on(async {
        match &args.command {
            PolicyCommand::List { config } => list(config, &mut out).await,
            PolicyCommand::Inspect { policy, config } => inspect(config, policy, &mut out).await,
            PolicyCommand::Precompile { output } => precompile(output).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Lists the policies that are on, in the order in which they run.
async fn list(config: &ConfigArgs, out: &mut impl Write) -> Result<(), Failure> {
    let catalog = Setup::new(config.clone(), INSTANCES)?.catalog().await?;
    let notices = catalog.notices(SystemTime::now());
    terminal::complain(&diagnostic::render_warnings(&notices));
    Ok(table(&catalog, out).context("cannot print")?)
}

fn table(catalog: &Catalog, out: &mut impl Write) -> io::Result<()> {
    let header = ["NAME", "MODE", "DOES", "RULES", "MODULE", "DIGEST"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header)
        .chain(catalog.entries.iter().map(row))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(String::len)
            .max()
            .unwrap_or(0)
    };
    for row in &rows {
        let cells = row
            .iter()
            .enumerate()
            .map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn row(entry: &Entry) -> [String; 6] {
    let mode = match entry.mode {
        Mode::Enforce => "enforce",
        Mode::Warn => "warn",
        Mode::Observe => "observe",
        Mode::Off => "off",
    };
    // Enough of the digest to tell components apart, as version control does.
    let digest = entry.digest.chars().take("sha256:".len() + 12).collect();
    [
        entry.name.to_string(),
        mode.to_owned(),
        roles(&entry.info).to_owned(),
        entry.info.rules.len().to_string(),
        entry.module.to_string(),
        digest,
    ]
}

/// Whether a policy repairs, judges, or both.
pub(crate) fn roles(info: &PolicyInfo) -> &'static str {
    match (info.mutates, info.validates) {
        (true, true) => "repairs, judges",
        (true, false) => "repairs",
        (false, true) => "judges",
        (false, false) => "nothing",
    }
}

/// Prints what a configured policy, or each of a component's, says of itself.
async fn inspect(config: &ConfigArgs, subject: &str, out: &mut impl Write) -> Result<(), Failure> {
    let setup = Setup::new(config.clone(), INSTANCES)?;
    let infos = match subject.ends_with(".wasm") {
        true => setup.describe(Path::new(subject)).await?,
        false => vec![named(&setup.catalog().await?, subject)?],
    };
    for info in &infos {
        describe(info, out).context("cannot print")?;
    }
    Ok(())
}

fn named(catalog: &Catalog, name: &str) -> Result<PolicyInfo, Failure> {
    let found = catalog.entries.iter().find(|entry| *entry.name == *name);
    found.map(|entry| entry.info.clone()).ok_or_else(|| {
        let names: Vec<_> = catalog.entries.iter().map(|entry| &*entry.name).collect();
        anyhow!(
            "no policy that is on is named `{name}`; there are {}, or name a component's file",
            names.join(", ")
        )
        .into()
    })
}

fn describe(info: &PolicyInfo, out: &mut impl Write) -> io::Result<()> {
    let PolicyInfo {
        name,
        version,
        doc,
        rules,
        settings_schema,
        grants,
        interests,
        ..
    } = info;
    writeln!(
        out,
        "{name} {version}\n  {doc}\n  It {} {}.",
        roles(info).replace(", ", " and "),
        interests.join(", ")
    )?;
    if !grants.is_empty() {
        writeln!(out, "  It wants the grants {}.", grants.join(", "))?;
    }
    writeln!(out, "\nRules:")?;
    for rule in rules {
        writeln!(
            out,
            "  {} ({})\n    {}",
            rule.id,
            rule.default.as_str(),
            rule.doc
        )?;
    }
    let schema: serde_json::Value = serde_json::from_str(settings_schema).unwrap_or_default();
    writeln!(out, "\nSettings, as JSON Schema:\n{schema:#}\n")
}

/// Prepares the built-in policies for embedding: a step of the build.
async fn precompile(output: &Path) -> Result<(), Failure> {
    let sealed = Setup::new(ConfigArgs::default(), INSTANCES)?.seal().await?;
    fs::write(output, sealed).with_context(|| format!("cannot write `{}`", output.display()))?;
    Ok(())
}
