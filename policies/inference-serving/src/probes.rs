//! Probes: no requests before the model is loaded, and no restart while it is being loaded.

use tollgate_sdk::gpu::Start;
use tollgate_sdk::prelude::*;
use tollgate_sdk::{Probe, below};

use crate::server::Server;

pub(crate) const FROM_TABLE: Rule = Rule::repair(
    "probes-from-table",
    "A server has a readiness probe, and a startup probe where a liveness probe may end its start: those of a table of servers, by the setting `setProbes`, where it has none.",
);
pub(crate) const NOT_READY: Rule = Rule::warn(
    "no-readiness-probe",
    "A server without a readiness probe gets requests while it still loads its model, and answers them with errors at each start and scale-up.",
);
pub(crate) const KILLED: Rule = Rule::warn(
    "killed-while-loading",
    "A liveness or startup probe that gives up before a model can be loaded restarts the server for ever.",
);

const READINESS: &str = "readiness";
const LIVENESS: &str = "liveness";
const STARTUP: &str = "startup";

/// Between two probes that the table sets.
const PERIOD: u32 = 10;

/// Warns about probes that are missing or too early.
pub(crate) fn report(start_seconds: Option<u32>, server: &Server<'_>) {
    if server.program.known.ready.is_some() && server.container.probe(READINESS).is_none() {
        report_not_ready(server);
    }
    if let Some(start) = start(start_seconds, server)
        && let Some(early) = Early::of(server, start)
    {
        early.report(server, start);
    }
}

/// Sets the probes that are missing, where it is known where the server listens.
pub(crate) fn repair(start_seconds: Option<u32>, server: &Server<'_>) -> Outcome {
    let container = server.container;
    let (Some(path), Some(port)) = (server.program.known.ready, port(server)) else {
        return Ok(());
    };
    if container.probe(READINESS).is_none() {
        edits::set_probe(container, FROM_TABLE.id, READINESS, &probe(path, port, 3))?;
    }
    let Some(start) = start(start_seconds, server) else {
        return Ok(());
    };
    if Early::of(server, start).is_some_and(|early| early.name == LIVENESS) {
        let failures = start.most.div_ceil(PERIOD);
        edits::set_probe(
            container,
            FROM_TABLE.id,
            STARTUP,
            &probe(path, port, failures),
        )?;
    }
    Ok(())
}

/// How long a start of this server takes here.
fn start(start_seconds: Option<u32>, server: &Server<'_>) -> Option<Start> {
    let known = server.program.known.start?;
    Some(start_seconds.map_or(known, |seconds| Start {
        least: seconds,
        most: seconds,
    }))
}

/// A probe that gives up too early.
struct Early {
    name: &'static str,
    probe: Probe,
    /// After how many seconds it gives up.
    after: u32,
}

impl Early {
    /// The startup probe, else the liveness probe, where it gives up before the least that a start takes.
    fn of(server: &Server<'_>, start: Start) -> Option<Self> {
        let startup = server
            .container
            .probe(STARTUP)
            .map(|probe| (STARTUP, probe));
        let liveness = || {
            server
                .container
                .probe(LIVENESS)
                .map(|probe| (LIVENESS, probe))
        };
        let (name, probe) = startup.or_else(liveness)?;
        let failing = probe.failures.saturating_mul(probe.period);
        let after = probe.initial_delay.saturating_add(failing);
        (after < start.least).then_some(Self { name, probe, after })
    }

    fn report(&self, server: &Server<'_>, start: Start) {
        let Self { name, probe, after } = self;
        let failures = start.most.div_ceil(PERIOD);
        KILLED
            .finding(
                below(&server.container.path(), &[&format!("{name}Probe")]),
                format!(
                    "the {name} probe of container `{}` gives up after {after} s, while {} loads",
                    server.container.name(),
                    server.program.known.name
                ),
            )
            .actual(format!(
                "{} seconds and {} failures {} seconds apart",
                probe.initial_delay, probe.failures, probe.period
            ))
            .allowed(format!("{} seconds or more", start.least))
            .fix(format!(
                "give it a startup probe with `periodSeconds: {PERIOD}` and `failureThreshold: {failures}`"
            ))
            .report();
    }
}

fn report_not_ready(server: &Server<'_>) {
    let known = server.program.known;
    let path = known.ready.unwrap_or_default();
    let port = told_port(server)
        .and_then(|told| told.parse().ok())
        .or(known.port)
        .unwrap_or_default();
    NOT_READY
        .finding(
            server.container.path(),
            format!(
                "container `{}` ({}) gets requests before its model is loaded",
                server.container.name(),
                known.name
            ),
        )
        .actual("no readiness probe")
        .allowed(format!("a readiness probe on `{path}`"))
        .fix(format!(
            "add `readinessProbe: {{httpGet: {{path: {path}, port: {port}}}}}`"
        ))
        .report();
}

fn probe(path: &str, port: u32, failures: u32) -> Probe {
    Probe {
        handler: "httpGet".to_owned(),
        path: Some(path.to_owned()),
        port: Some(port.to_string()),
        initial_delay: 0,
        period: PERIOD,
        timeout: 5,
        failures,
    }
}

/// Where probes reach the server, as far as the manifest tells: not over TLS, and not on the loopback address.
fn port(server: &Server<'_>) -> Option<u32> {
    let known = server.program.known;
    let speaks_tls = ["--ssl-keyfile", "--ssl-certfile", "--ssl-key-file"];
    if server.flag(&speaks_tls).is_some() || !is_reachable(server) {
        return None;
    }
    if let Some(told) = told_port(server) {
        return told.parse().ok();
    }
    let usual = u32::from(known.port?);
    let ports = server.container.ports();
    let is_declared = ports.is_empty() || ports.iter().any(|port| port.number == usual);
    is_declared.then_some(usual)
}

/// The port that a flag or a variable says.
fn told_port(server: &Server<'_>) -> Option<String> {
    let known = server.program.known;
    server
        .flag(known.port_flags)
        .or_else(|| server.variable(known.port_variable?))
}

fn is_reachable(server: &Server<'_>) -> bool {
    match server.flag(&["--host", "--hostname"]) {
        Some(host) => host == "0.0.0.0" || host == "::",
        None => !server.program.known.loopback,
    }
}
