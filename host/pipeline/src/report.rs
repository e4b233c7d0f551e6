//! From an outcome to the decision object that `tollgate review -o json` prints.

use serde_json::{Map, Value, json};
use tollgate_admission::{Applied, Finding};
use tollgate_catalog::OnFault;

use tollgate_budget::Weighed;
use tollgate_context::{Answer, Asked, Fit, Scaler, Source, Unit};

use tollgate_engine::Proposed;

use crate::outcome::{Exempted, FaultReport, Outcome, PodSummary, Verdict};

/// The decision object. The same outcome gives the same object.
pub fn report(outcome: &Outcome) -> Map<String, Value> {
    let object = json!({
        "apiVersion": outcome.gvk.api_version(),
        "kind": outcome.gvk.kind,
        "namespace": outcome.namespace,
        "name": outcome.name,
    });
    let mut fields = vec![("object", object)];
    if let Verdict::Skipped(reason) = outcome.verdict {
        fields.splice(0..0, [("status", "skipped".into())]);
        fields.push(("reason", reason.into()));
        return collect(fields);
    }
    fields.splice(0..0, [("status", "reviewed".into())]);
    fields.extend([
        ("allowed", outcome.verdict.is_allowed().into()),
        ("pods", outcome.pods.iter().map(pod).collect()),
        ("patch", outcome.patch.iter().map(operation).collect()),
        (
            "wouldChange",
            outcome.would_change.iter().map(operation).collect(),
        ),
        ("findings", outcome.findings.iter().map(finding).collect()),
        ("observed", outcome.observed.iter().map(finding).collect()),
        ("charges", outcome.charged().flat_map(charges).collect()),
        (
            "exemptions",
            outcome.exemptions.iter().map(exempted).collect(),
        ),
        ("faults", outcome.faults.iter().map(fault).collect()),
    ]);
    // Without a snapshot there is nothing to record.
    if outcome
        .asked
        .iter()
        .any(|asked| asked.answer != Answer::Unknown)
    {
        fields.push(("asked", outcome.asked.iter().map(asked).collect()));
    }
    collect(fields)
}

fn collect(fields: Vec<(&str, Value)>) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn pod(pod: &PodSummary) -> Value {
    let devices: Map<_, _> = pod
        .devices
        .iter()
        .map(|(name, count)| (name.clone(), (*count).into()))
        .collect();
    let mut fields = vec![
        ("role", pod.role.as_str().into()),
        ("path", pod.path.as_str().into()),
        ("count", pod.count.into()),
        ("devices", devices.into()),
    ];
    fields.extend(pod.fits.as_ref().map(|fit| ("fits", fits(fit))));
    Value::Object(collect(fields))
}

/// Where a pod fits, or what comes nearest and what keeps the pod from it.
fn fits(fit: &Fit) -> Value {
    let mut fields = vec![
        ("nodes", fit.nodes.as_slice().into()),
        ("pools", fit.pools.as_slice().into()),
    ];
    if let Some(near) = &fit.nearest {
        let kind = match near.source {
            Source::Node => "node",
            Source::Pool => "pool",
        };
        let reasons: Vec<_> = near.reasons().collect();
        fields.push((
            "nearest",
            json!({"kind": kind, "name": near.name, "reasons": reasons}),
        ));
    }
    Value::Object(collect(fields))
}

fn asked(asked: &Asked) -> Value {
    let Asked { question, answer } = asked;
    let question = question.to_string();
    match answer {
        Answer::Unknown => json!({"question": question, "answer": null}),
        Answer::Known(known) => {
            json!({"question": question, "answer": known.values, "complete": known.is_complete})
        }
        Answer::Number(number) => json!({"question": question, "answer": number}),
        Answer::Devices(devices) => {
            let devices = devices
                .iter()
                .map(|(name, count)| (name.clone(), (*count).into()));
            json!({"question": question, "answer": devices.collect::<Map<_, _>>()})
        }
        Answer::Scalers(scalers) => {
            let scalers = scalers.iter().map(
                |Scaler {
                     kind,
                     name,
                     resources,
                 }| json!({"kind": kind, "name": name, "resources": resources}),
            );
            json!({"question": question, "answer": scalers.collect::<Vec<_>>()})
        }
        Answer::Units(units) => {
            json!({"question": question, "answer": units.iter().copied().map(unit).collect::<Vec<_>>()})
        }
    }
}

fn unit(unit: Unit) -> Value {
    json!({"sharing": unit.sharing().as_str(), "replicas": unit.replicas(), "migProfile": unit.mig_profile()})
}

fn operation(applied: &Applied) -> Value {
    let mut operation = applied.op.to_json();
    if let Some(fields) = operation.as_object_mut() {
        fields.insert("policy".to_owned(), applied.policy.as_str().into());
        fields.insert("rule".to_owned(), applied.rule.as_str().into());
    }
    operation
}

fn finding(finding: &Finding) -> Value {
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
    let mut fields = vec![
        ("policy", policy.as_str().into()),
        ("rule", rule.as_str().into()),
        ("severity", severity.as_str().into()),
        ("path", path.as_str().into()),
        ("message", message.as_str().into()),
    ];
    let optional = [("actual", actual), ("allowed", allowed), ("fix", fix)];
    fields.extend(
        optional
            .into_iter()
            .filter_map(|(key, text)| Some((key, text.as_deref()?.into()))),
    );
    Value::Object(collect(fields))
}

/// What somebody was let off: who, of what, and why.
fn exempted(exempted: &Exempted) -> Value {
    let Exempted {
        exemption,
        policy,
        rule,
        path,
        finding,
    } = exempted;
    let mut fields = vec![
        ("exemption", (*exemption.name).into()),
        ("policy", (**policy).into()),
        ("rule", rule.as_str().into()),
        ("path", path.as_str().into()),
        ("reason", exemption.spec.reason.as_str().into()),
    ];
    if let Some(end) = exemption.spec.expires {
        fields.push(("expires", end.to_string().into()));
    }
    // Without a finding it is an edit that was not made.
    if let Some(finding) = finding {
        fields.push(("severity", finding.severity.as_str().into()));
        fields.push(("message", finding.message.as_str().into()));
    }
    Value::Object(collect(fields))
}

/// What a pod is charged in a budget, limit by limit. What is charged as time passes is told for an hour.
fn charges(proposed: &Proposed) -> Vec<Value> {
    let Weighed { budget, charge, .. } = &proposed.weighed;
    let limits = budget.limits.iter();
    let told = limits.filter_map(|limit| {
        let key = limit.key();
        let draw = charge.get(&key)?;
        let (amount, per) = draw.told().ok()?;
        let mut fields = vec![
            ("budget", Value::from(&*budget.name)),
            ("unit", limit.unit.as_str().into()),
            ("amount", amount.text(limit.unit).into()),
        ];
        if key.as_str() != limit.unit.as_str() {
            fields.push(("limit", key.as_str().into()));
        }
        fields.extend(per.map(|per| ("per", per.into())));
        (!amount.is_zero()).then(|| Value::Object(collect(fields)))
    });
    told.collect()
}

fn fault(report: &FaultReport) -> Value {
    let on_fault = match report.on_fault {
        OnFault::Refuse => "refuse",
        OnFault::Admit => "admit",
    };
    json!({"policy": &*report.policy, "cause": report.fault.as_label(), "message": report.fault.to_string(), "onFault": on_fault})
}
