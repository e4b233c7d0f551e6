//! What policies have to say of a document.

use serde_json::Value;
use tollgate_admission::{Applied, Finding};
use tollgate_budget::Weighed;
use tollgate_catalog::OnFault;
use tollgate_engine::Proposed;
use tollgate_pipeline::{Exempted, FaultReport, Outcome, PodSummary, PolicyRun};

use super::entry::Note;
use super::path;
use crate::args::DisplayArgs;

/// Everything that policies have to say, and with `-v` what they keep to themselves.
pub(super) fn of(outcome: &Outcome, display: &DisplayArgs) -> Vec<Note> {
    let object = &outcome.object;
    let findings = outcome
        .findings
        .iter()
        .map(|finding| found(finding.severity.as_str(), finding, object));
    let would = outcome.would_change.iter().map(would_change);
    let exempted = outcome
        .exemptions
        .iter()
        .map(|exempted| let_off(exempted, object));
    let faults = outcome.faults.iter().map(faulted);
    let fits = outcome.pods.iter().filter_map(fits);
    let charged = outcome.charged().filter_map(charged_to);
    let seen = outcome
        .observed
        .iter()
        .map(|finding| found("observed", finding, object));
    let runs = outcome.runs.iter().map(ran);
    let more = seen.chain(runs).filter(|_| display.verbose > 0);
    let findings = pods(outcome).chain(findings).chain(would).chain(exempted);
    let findings = findings.chain(faults).chain(charged);
    findings.chain(fits).chain(more).collect()
}

/// What the object's pods take of a budget.
fn charged_to(proposed: &Proposed) -> Option<Note> {
    let Weighed { budget, charge, .. } = &proposed.weighed;
    let limits = budget.limits.iter();
    let told = limits.filter_map(|limit| {
        let key = limit.key();
        let (amount, per) = charge.get(&key)?.told().ok()?;
        let per = per.map(|per| format!(" an {per}")).unwrap_or_default();
        let text = amount.text(limit.unit);
        (!amount.is_zero()).then(|| format!("{text} of `{key}`{per}"))
    });
    let told: Vec<_> = told.collect();
    (!told.is_empty()).then(|| Note {
        label: "takes",
        text: format!("{} from budget `{}`", told.join(", "), budget.name),
        details: Vec::new(),
    })
}

/// Where a pod can run, or what keeps it from running anywhere.
fn fits(pod: &PodSummary) -> Option<Note> {
    let fit = pod.fits.as_ref()?;
    let role = match pod.role.as_str() {
        "" => String::new(),
        role => format!("{role}: "),
    };
    Some(Note {
        label: if fit.is_nowhere() { "pending" } else { "fits" },
        text: format!("{role}{fit}"),
        details: Vec::new(),
    })
}

/// The pods that a workload would make, where some of them take devices. A pod shows its own.
fn pods(outcome: &Outcome) -> impl Iterator<Item = Note> {
    let makes_others = |pod: &PodSummary| !pod.path.is_empty();
    let is_told = outcome
        .pods
        .iter()
        .any(|pod| makes_others(pod) && !pod.devices.is_empty());
    outcome.pods.iter().filter(move |_| is_told).map(made)
}

fn made(pod: &PodSummary) -> Note {
    let PodSummary {
        role,
        path: _,
        count,
        names_accelerator: _,
        devices,
        fits: _,
    } = pod;
    let device = |(name, each): &(String, u64)| match count {
        Some(count) => format!(
            "{each} {name} each, {} in all",
            each.saturating_mul(u64::from(*count))
        ),
        None => format!("{each} {name} each"),
    };
    let devices: Vec<_> = devices.iter().map(device).collect();
    let devices = match devices.as_slice() {
        [] => "no devices".to_owned(),
        devices => devices.join("; "),
    };
    let count = count.map_or_else(|| "an unknown number".to_owned(), |count| count.to_string());
    let role = if role.is_empty() { "pods" } else { role };
    Note {
        label: "makes",
        text: format!("{role} × {count}: {devices}"),
        details: Vec::new(),
    }
}

/// What an exemption lets the object off.
fn let_off(exempted: &Exempted, object: &Value) -> Note {
    let Exempted {
        exemption,
        policy,
        rule,
        path,
        finding,
    } = exempted;
    let what = match finding {
        Some(finding) => format!(
            "{} {policy}/{rule}: {}",
            finding.severity.as_str(),
            finding.message
        ),
        None => format!("{policy}/{rule}: its change was not made"),
    };
    let until = exemption.spec.expires.map(|end| format!(", until {end}"));
    let by = format!(
        "exemption `{}`{}",
        exemption.name,
        until.unwrap_or_default()
    );
    Note {
        label: "exempt",
        text: what,
        details: vec![
            ("at", format!("{}  ({path})", path::readable(path, object))),
            ("by", by),
            ("reason", exemption.spec.reason.clone()),
        ],
    }
}

fn found(label: &'static str, finding: &Finding, object: &Value) -> Note {
    let Finding {
        policy,
        rule,
        severity,
        path,
        message,
        actual,
        allowed,
        fix,
    } = finding;
    let severity = if label == severity.as_str() {
        String::new()
    } else {
        format!("{} ", severity.as_str())
    };
    let place = (!path.is_empty()).then(|| format!("{}  ({path})", path::readable(path, object)));
    let details = [
        ("at", place),
        ("found", actual.clone()),
        ("allowed", allowed.clone()),
        ("fix", fix.clone()),
    ];
    Note {
        label,
        text: format!("{severity}{policy}/{rule}: {message}"),
        details: details
            .into_iter()
            .filter_map(|(word, text)| Some((word, text?)))
            .collect(),
    }
}

/// An edit of a policy that only warns.
fn would_change(applied: &Applied) -> Note {
    let Applied {
        op, policy, rule, ..
    } = applied;
    let value = if op.value.is_null() {
        String::new()
    } else {
        format!(": {}", op.value)
    };
    Note {
        label: "would",
        text: format!("{} {}{value}  # {policy}/{rule}", op.kind.as_str(), op.path),
        details: Vec::new(),
    }
}

fn faulted(report: &FaultReport) -> Note {
    let FaultReport {
        policy,
        fault,
        on_fault,
    } = report;
    let effect = match on_fault {
        OnFault::Refuse => "refused, as its `onFault` says",
        OnFault::Admit => "admitted all the same, as its `onFault` says",
    };
    Note {
        label: "fault",
        text: format!("{policy}: {fault}"),
        details: vec![("so", effect.to_owned())],
    }
}

fn ran(run: &PolicyRun) -> Note {
    let PolicyRun {
        policy,
        phase,
        duration,
        memory_peak,
        ..
    } = run;
    let memory = memory_peak.div_ceil(1 << 10);
    Note {
        label: "ran",
        text: format!("{policy} {phase}: {duration:.0?}, {memory} KiB"),
        details: Vec::new(),
    }
}
