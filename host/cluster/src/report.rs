//! What an audit found, as reports in the cluster: one for each namespace and one for what is in none.
//!
//! Both kinds of report have the same fields; they differ in group and kind.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use futures_util::{StreamExt as _, stream};
use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Map, Value, json};

/// Which reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `PolicyReport` of the Kubernetes policy working group.
    WgPolicy,
    /// `Report` of OpenReports.
    OpenReports,
}

/// What a policy says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing.
    Pass,
    /// It would be refused.
    Fail,
    /// It would be let in with a warning.
    Warn,
    /// The policy gave no valid answer.
    Error,
    /// It was let off, or nobody looked.
    Skip,
}

/// The object that something is said of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its API version.
    pub api_version: String,
    /// Its namespace, if it is in one.
    pub namespace: Option<String>,
    /// Its uid, if it exists.
    pub uid: Option<String>,
}

/// One line of a report. Lines are sorted in the order of these fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The object.
    pub subject: Subject,
    /// The policy.
    pub policy: String,
    /// The rule within the policy.
    pub rule: String,
    /// Where in the object, as a JSON pointer.
    pub path: String,
    /// What is said.
    pub outcome: Outcome,
    /// In words.
    pub message: String,
    /// What would help.
    pub fix: Option<String>,
}

/// All that an audit found. It holds lines, never objects.
#[derive(Debug, Default)]
pub struct Findings {
    places: BTreeMap<Option<String>, Place>,
}

/// What was found in a namespace, or in none.
#[derive(Debug, Default)]
struct Place {
    passed: usize,
    lines: Vec<Line>,
}

/// What writing came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many reports are there now.
    pub reports: usize,
    /// How many of them are new or say something else than before.
    pub changed: usize,
    /// How many were removed, since nothing is left of what they were about.
    pub removed: usize,
}

/// Why reports cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The API server does not serve them.
    #[error(
        "the cluster has no {kind} of {version}: install its definition, choose the other kind with `--report`, or \
         print with `--print`"
    )]
    NotServed {
        /// The kind.
        kind: &'static str,
        /// The API version.
        version: &'static str,
    },
    /// The API server refuses or is away.
    #[error("the report of {place} cannot be written")]
    Api {
        /// The namespace, in words.
        place: String,
        /// What it says.
        #[source]
        source: kube::Error,
    },
}

/// On every report of ours, and on no other.
const LABEL: (&str, &str) = ("tollgate.dev/report", "audit");

/// Who owns the fields of reports.
const MANAGER: &str = "tollgate-audit";

/// A digest of what a report says. What says the same already is not sent: it takes an API server milliseconds a line, also
/// to find that nothing is new.
const DIGEST: &str = "tollgate.dev/digest";
const DIGEST_AT: &str = "/metadata/annotations/tollgate.dev~1digest";

/// How long the lines of one report may be, in bytes: far below the 1 MiB of an object, and little enough that a busy API
/// server takes it within its time for a request.
const LONGEST: usize = 450 << 10;

/// How many reports are written at once.
const AT_ONCE: usize = 4;

/// How many reports of ours are listed at once.
const PAGE: u32 = 500;

/// The rows: API version, group, version; kind and plural in a namespace, and in none.
struct Names {
    version: &'static str,
    group: (&'static str, &'static str),
    namespaced: (&'static str, &'static str),
    cluster: (&'static str, &'static str),
}

impl Flavour {
    const fn names(self) -> Names {
        match self {
            Self::WgPolicy => Names {
                version: "wgpolicyk8s.io/v1alpha2",
                group: ("wgpolicyk8s.io", "v1alpha2"),
                namespaced: ("PolicyReport", "policyreports"),
                cluster: ("ClusterPolicyReport", "clusterpolicyreports"),
            },
            Self::OpenReports => Names {
                version: "openreports.io/v1alpha1",
                group: ("openreports.io", "v1alpha1"),
                namespaced: ("Report", "reports"),
                cluster: ("ClusterReport", "clusterreports"),
            },
        }
    }
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Skip => "skip",
        }
    }

    const fn severity(self) -> &'static str {
        match self {
            Self::Fail => "high",
            Self::Warn | Self::Error => "medium",
            Self::Pass | Self::Skip => "info",
        }
    }
}

impl Findings {
    /// Takes note of an object of which nothing is said.
    pub fn passed(&mut self, namespace: Option<&str>) {
        self.place(namespace).passed += 1;
    }

    /// Takes note of what a policy says of an object.
    pub fn said(&mut self, line: Line) {
        self.place(line.subject.namespace.as_deref())
            .lines
            .push(line);
    }

    fn place(&mut self, namespace: Option<&str>) -> &mut Place {
        self.places.entry(namespace.map(str::to_owned)).or_default()
    }

    /// The reports, one after the other; the same findings give the same reports, whatever order they came in.
    pub fn reports(self, flavour: Flavour) -> impl Iterator<Item = Value> {
        let places = self.places.into_iter();
        places.flat_map(move |(namespace, place)| place.reports(flavour, namespace))
    }
}

impl Place {
    fn reports(self, flavour: Flavour, namespace: Option<String>) -> Vec<Value> {
        let Self {
            mut passed,
            mut lines,
        } = self;
        lines.sort();
        lines.dedup();
        let (mut parts, mut part, mut length) = (Vec::new(), Vec::new(), 0);
        for line in &lines {
            let line = line.json();
            let more = line.to_string().len();
            if length + more > LONGEST {
                parts.push(std::mem::take(&mut part));
                length = 0;
            }
            length += more;
            part.push(line);
        }
        parts.push(part);
        let parts = parts.into_iter().enumerate();
        let report = |(index, results): (usize, Vec<Value>)| {
            // What nothing is said of is counted once.
            let passed = std::mem::take(&mut passed);
            report(flavour, namespace.as_deref(), (index, passed), results)
        };
        parts.map(report).collect()
    }
}

fn report(
    flavour: Flavour,
    namespace: Option<&str>,
    (index, passed): (usize, usize),
    results: Vec<Value>,
) -> Value {
    let Names {
        version,
        namespaced,
        cluster,
        ..
    } = flavour.names();
    let name = match index {
        0 => "tollgate".to_owned(),
        _ => format!("tollgate-{}", index + 1),
    };
    let count = |word: &str| results.iter().filter(|line| line["result"] == word).count();
    let summary = json!({
        "pass": passed, "fail": count("fail"), "warn": count("warn"), "error": count("error"),
        "skip": count("skip"),
    });
    let mut metadata = json!({
        "name": name, "labels": {LABEL.0: LABEL.1},
        "annotations": {DIGEST: digest(&summary, &results)},
    });
    let (kind, _) = match namespace {
        Some(_) => namespaced,
        None => cluster,
    };
    if let (Some(namespace), Some(fields)) = (namespace, metadata.as_object_mut()) {
        fields.insert("namespace".to_owned(), namespace.into());
    }
    json!({"apiVersion": version, "kind": kind, "metadata": metadata, "summary": summary, "results": results})
}

/// Another version of this program may digest otherwise; then everything is written once more.
fn digest(summary: &Value, results: &[Value]) -> String {
    let mut hasher = DefaultHasher::new();
    for part in [summary].into_iter().chain(results) {
        part.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

impl Line {
    fn json(&self) -> Value {
        let Self {
            subject,
            policy,
            rule,
            path,
            outcome,
            message,
            fix,
        } = self;
        let mut properties = Map::new();
        if !path.is_empty() {
            properties.insert("path".to_owned(), path.as_str().into());
        }
        properties.extend(
            fix.as_ref()
                .map(|fix| ("fix".to_owned(), fix.as_str().into())),
        );
        let mut line = json!({
            "source": "tollgate", "category": "GPU", "policy": policy, "rule": rule, "result": outcome.as_str(),
            "severity": outcome.severity(), "scored": *outcome == Outcome::Fail, "message": message,
            "resources": [subject.json()],
        });
        if let (false, Some(fields)) = (properties.is_empty(), line.as_object_mut()) {
            fields.insert("properties".to_owned(), Value::Object(properties));
        }
        line
    }
}

impl Subject {
    fn json(&self) -> Value {
        let Self {
            kind,
            name,
            api_version,
            namespace,
            uid,
        } = self;
        let mut object = json!({"apiVersion": api_version, "kind": kind, "name": name});
        if let Some(fields) = object.as_object_mut() {
            let optional = [("namespace", namespace), ("uid", uid)];
            fields.extend(
                optional
                    .into_iter()
                    .filter_map(|(key, text)| Some((key.to_owned(), text.as_deref()?.into()))),
            );
        }
        object
    }
}

/// The reports of an earlier audit, by namespace and name, and the digests of what they say.
#[derive(Debug)]
pub struct Existing {
    flavour: Flavour,
    digests: BTreeMap<Name, Option<String>>,
}

/// The namespace of a report, unless it has none, and its name.
type Name = (Option<String>, String);

/// Writes reports, and removes those of an earlier audit that nothing is left of.
///
/// # Errors
///
/// When the API server refuses or is away.
pub async fn write(
    client: &Client,
    existing: Existing,
    findings: Findings,
) -> Result<Written, ReportError> {
    let Existing {
        flavour,
        digests: mut before,
    } = existing;
    let mut written = Written::default();
    let mut news = Vec::new();
    for report in findings.reports(flavour) {
        let said = before.remove(&name(&report)).flatten();
        match said.as_deref() == text(&report, DIGEST_AT) {
            true => written.reports += 1,
            false => news.push(report),
        }
    }
    let mut writing = stream::iter(news)
        .map(|report| apply(client, flavour, report))
        .buffer_unordered(AT_ONCE);
    while let Some(is_there) = writing.next().await {
        let count = usize::from(is_there?);
        written.reports += count;
        written.changed += count;
    }
    for name in before.into_keys() {
        written.removed += usize::from(remove(client, flavour, name).await?);
    }
    Ok(written)
}

fn name(report: &Value) -> Name {
    let named = |pointer| text(report, pointer).map(str::to_owned);
    let name = named("/metadata/name").unwrap_or_default();
    (named("/metadata/namespace"), name)
}

fn text<'r>(report: &'r Value, pointer: &str) -> Option<&'r str> {
    report.pointer(pointer).and_then(Value::as_str)
}

/// Writes a report, and gives whether it is there: its namespace may have gone since its objects were read.
async fn apply(client: &Client, flavour: Flavour, report: Value) -> Result<bool, ReportError> {
    let (namespace, name) = name(&report);
    let reports = api(client, flavour, namespace.as_deref());
    let params = PatchParams::apply(MANAGER).force();
    match reports.patch(&name, &params, &Patch::Apply(&report)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(source) => Err(failed(namespace, source)),
    }
}

/// Removes a report, and gives whether it was there.
async fn remove(
    client: &Client,
    flavour: Flavour,
    (namespace, name): Name,
) -> Result<bool, ReportError> {
    let reports = api(client, flavour, namespace.as_deref());
    match reports.delete(&name, &DeleteParams::default()).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(source) => Err(failed(namespace, source)),
    }
}

/// Finds the reports of an earlier audit.
///
/// # Errors
///
/// When the cluster has no such reports, or the API server refuses.
pub async fn existing(client: &Client, flavour: Flavour) -> Result<Existing, ReportError> {
    let Names {
        version,
        namespaced,
        cluster,
        ..
    } = flavour.names();
    let mut digests = BTreeMap::new();
    for (kind, plural) in [namespaced, cluster] {
        let all: Api<DynamicObject> =
            Api::all_with(client.clone(), &resource(flavour, (kind, plural)));
        let mut params = ListParams::default()
            .labels(&format!("{}={}", LABEL.0, LABEL.1))
            .limit(PAGE);
        loop {
            let page = match all.list_metadata(&params).await {
                Ok(page) => page,
                Err(kube::Error::Api(status)) if status.code == 404 => {
                    return Err(ReportError::NotServed { kind, version });
                }
                Err(source) => return Err(failed(None, source)),
            };
            for report in page.items {
                let name = (report.namespace(), report.name_any());
                digests.insert(name, report.annotations().get(DIGEST).cloned());
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break,
            }
        }
    }
    Ok(Existing { flavour, digests })
}

fn api(client: &Client, flavour: Flavour, namespace: Option<&str>) -> Api<DynamicObject> {
    let Names {
        namespaced,
        cluster,
        ..
    } = flavour.names();
    match namespace {
        Some(namespace) => {
            Api::namespaced_with(client.clone(), namespace, &resource(flavour, namespaced))
        }
        None => Api::all_with(client.clone(), &resource(flavour, cluster)),
    }
}

fn resource(flavour: Flavour, (kind, plural): (&str, &str)) -> ApiResource {
    let Names { version, group, .. } = flavour.names();
    ApiResource {
        group: group.0.to_owned(),
        version: group.1.to_owned(),
        api_version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

fn failed(namespace: Option<String>, source: kube::Error) -> ReportError {
    let place = namespace.map_or("what is in no namespace".to_owned(), |name| {
        format!("namespace `{name}`")
    });
    ReportError::Api { place, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(namespace: &str, name: &str, message: &str) -> Line {
        Line {
            subject: Subject {
                kind: "Pod".to_owned(),
                name: name.to_owned(),
                api_version: "v1".to_owned(),
                namespace: Some(namespace.to_owned()),
                uid: None,
            },
            policy: "gpu-limits".to_owned(),
            rule: "request-not-limit".to_owned(),
            path: "/spec".to_owned(),
            outcome: Outcome::Fail,
            message: message.to_owned(),
            fix: None,
        }
    }

    #[test]
    fn the_order_of_findings_does_not_matter() {
        let reports = |names: &[&str]| {
            let mut findings = Findings::default();
            names
                .iter()
                .for_each(|name| findings.said(line("ml", name, "no")));
            findings.passed(Some("ml"));
            findings.reports(Flavour::WgPolicy).collect::<Vec<_>>()
        };
        let [report] = &reports(&["b", "a", "a"])[..] else {
            panic!()
        };
        assert_eq!([report], &*reports(&["a", "b"]).iter().collect::<Vec<_>>());
        assert_eq!(
            report["summary"],
            json!({"pass": 1, "fail": 2, "warn": 0, "error": 0, "skip": 0})
        );
        assert_eq!(report["kind"], "PolicyReport");
        assert_eq!(report["results"][0]["resources"][0]["name"], "a");
    }

    #[test]
    fn the_digest_changes_with_what_is_said_and_only_then() {
        let digest = |message: &str| {
            let mut findings = Findings::default();
            findings.said(line("ml", "a", message));
            let mut reports = findings.reports(Flavour::WgPolicy);
            text(&reports.next().unwrap(), DIGEST_AT).map(str::to_owned)
        };
        assert!(digest("no").is_some());
        assert_eq!(digest("no"), digest("no"));
        assert_ne!(digest("no"), digest("never"));
    }

    #[test]
    fn what_is_in_no_namespace_has_a_report_of_its_own() {
        let mut findings = Findings::default();
        findings.passed(None);
        findings.passed(Some("ml"));
        let kinds: Vec<_> = findings
            .reports(Flavour::OpenReports)
            .map(|report| (report["kind"].clone(), report["apiVersion"].clone()))
            .collect();
        let version = "openreports.io/v1alpha1";
        assert_eq!(
            kinds,
            [
                ("ClusterReport".into(), version.into()),
                ("Report".into(), version.into())
            ]
        );
    }

    #[test]
    fn a_long_report_is_split_and_counts_what_passed_once() {
        let mut findings = Findings::default();
        let message = "x".repeat(1000);
        for number in 0..2000 {
            findings.said(line("ml", &format!("pod-{number}"), &message));
        }
        findings.passed(Some("ml"));
        let reports: Vec<_> = findings.reports(Flavour::WgPolicy).collect();
        let names: Vec<_> = reports
            .iter()
            .map(|it| it["metadata"]["name"].clone())
            .collect();
        let expected = (2..=6).map(|number| format!("tollgate-{number}"));
        let expected = ["tollgate".to_owned()].into_iter().chain(expected);
        assert_eq!(names, expected.collect::<Vec<_>>());
        assert!(reports.iter().all(|it| it.to_string().len() < 500 << 10));
        let sum = |word: &str| -> u64 {
            let counts = reports.iter();
            counts.filter_map(|it| it["summary"][word].as_u64()).sum()
        };
        assert_eq!((sum("fail"), sum("pass")), (2000, 1));
    }
}
