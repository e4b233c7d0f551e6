//! The text of `docs/corpus.md`: how often each rule speaks on the real manifests, beside what a survey counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tollgate_admission::Severity;
use tollgate_pipeline::{Outcome, Verdict};

use crate::index::Listed;
use crate::verdicts::VERDICTS;

/// What the survey of 962 pods counted, and the rules that say the same of a pod.
struct Surveyed {
    what: &'static str,
    count: &'static str,
    /// The survey's own mark on a file; none where it marked no file.
    tag: Option<&'static str>,
    rules: &'static [&'static str],
    /// Why the rules do not speak of the same files.
    why: &'static str,
}

macro_rules! surveyed {
    ($what:literal, $count:literal, $tag:expr, [$($rule:literal),+], $why:literal) => {
        Surveyed { what: $what, count: $count, tag: $tag, rules: &[$($rule),+], why: $why }
    };
}

#[rustfmt::skip]
static SURVEY: &[Surveyed] = &[
    surveyed!("GPU container without a memory limit", "649", Some("no-memlimit"), ["gpu-limits/no-memory-limit"],
        "silent: quantities of a shared GPU and CPU containers, which the survey counted; groups whose container comes from a template of roles"),
    surveyed!("NVIDIA pod without a toleration of `nvidia.com/gpu`", "620 of 704", Some("no-tol"), ["gpu-tolerations/missing-toleration", "gpu-tolerations/slice-toleration"],
        "beyond: TPUs, Gaudi, Neuron and other vendors; silent: no devices, or two groups with templates of roles"),
    surveyed!("`/dev/shm` without a size", "220", Some("shm-nosize"), ["shared-memory/shm-unlimited"],
        "beyond: a serving runtime, whose pod does not stand under a template"),
    surveyed!("`/dev/shm` above the memory limit", "3", Some("shm>mem"), ["shared-memory/shm-over-memory"],
        "the same"),
    surveyed!("several devices in a container and no `/dev/shm`", "261", Some("multi-no-shm"), ["shared-memory/shm-missing"],
        "silent: TPUs and Neuron, which do not need it; Ray, whose operator mounts it; quantities and shares of one GPU; the node's IPC; beyond: training on one device a pod in several pods"),
    surveyed!("image always pulled", "105", Some("pull-always"), ["inference-serving/image-always-pulled"],
        "silent: what is no known inference server, and images without a fixed tag, which `image-not-fixed` names"),
    surveyed!("RDMA without `IPC_LOCK`", "44 of 119 with RDMA", Some("rdma"), ["node-resources/rdma-ipc-lock", "node-resources/efa-ipc-lock"],
        "the mark is on all with RDMA; silent: those that have `IPC_LOCK`"),
    surveyed!("privileged", "92", Some("privileged"), ["gpu-isolation/privileged"],
        "beyond: the DRA driver's own DaemonSets, which the survey did not count as GPU pods"),
    surveyed!("the node's network", "39", Some("hostnet"), ["node-resources/host-network"],
        "silent: where a fast fabric or several hosts of a TPU slice need it, and a pod without devices"),
    surveyed!("the node's IPC", "4", Some("hostipc"), ["gpu-isolation/host-namespaces"],
        "beyond: the node's processes"),
    surveyed!("several GPU containers", "17", Some("gpu-containers>1"), ["gpu-limits/several-gpu-containers"],
        "the same"),
    surveyed!("a GPU on an init container", "1", Some("gpu-initcontainer"), ["gpu-limits/gpu-on-init-container"],
        "the same"),
    surveyed!("`NVIDIA_VISIBLE_DEVICES`, `CUDA_VISIBLE_DEVICES`", "18", Some("nvd"), ["gpu-isolation/visible-devices", "gpu-isolation/hand-picked-devices"],
        "the same"),
    surveyed!("request without limit", "2", Some("request-only"), ["gpu-limits/request-without-limit"],
        "the same"),
    surveyed!("tensor parallel flag", "167", Some("tp"), ["parallelism/parallel-above-devices", "parallelism/parallel-below-devices"],
        "the mark is on all with the flag; a rule speaks where the size is not that of the devices"),
    surveyed!("image without a fixed tag", "368", None, ["inference-serving/image-not-fixed"],
        "known inference servers alone are judged"),
    surveyed!("batch without a queue or a scheduler for groups", "134 of 219", None, ["placement/no-queue", "placement/no-gang"],
        "`no-queue` speaks where the namespace has a queue, `no-gang` of kinds whose pods wait for one another"),
    surveyed!("server without a readiness probe", "116 of 184", None, ["inference-serving/no-readiness-probe"],
        "workers, which take no requests, and pods of which a controller adds the probe are not judged"),
    surveyed!("`/dev/shm` of half the memory limit or more", "22", None, ["shared-memory/shm-half-of-memory"],
        "exactly half is right"),
    surveyed!("`/dev/shm` of the node", "19", None, ["shared-memory/shm-host-path"],
        "none is in the corpus: those samples may not be passed on"),
    surveyed!("more than 8 accelerators in a pod", "50", None, ["gpu-limits/unusual-gpu-count", "gpu-limits/too-many-gpus"],
        "all of these are TPUs, Neuron or quantities of shared GPUs, which have more than 8"),
    surveyed!("DaemonSet with GPUs", "2", None, ["placement/daemon-set-with-devices"],
        "the same"),
];

const HEAD: &str = "\
# The rules on real manifests

Written by `UPDATE_DOCS=1 cargo test --release --workspace --test corpus` where the corpus lies beside the checkout; the test
then fails when it is stale. The corpus is 240 files of 51 public projects, with GPUs, TPUs and others; no text of theirs
is in this repository.
";

/// What was found on the corpus.
#[derive(Default)]
pub struct Tally {
    pub files: Vec<Listed>,
    documents: usize,
    objects: usize,
    pods: usize,
    with_devices: usize,
    /// Pods by what is done and the rule; what is about the object counts as one.
    by_rule: BTreeMap<(&'static str, String), usize>,
    /// The files in which a rule speaks.
    files_by_rule: BTreeMap<String, BTreeSet<String>>,
    /// Denials, as file and rule.
    denied: BTreeSet<(String, String)>,
}

impl Tally {
    pub fn add(&mut self, file: &str, outcome: &Outcome) {
        self.documents += 1;
        if matches!(outcome.verdict, Verdict::Skipped(_)) {
            return;
        }
        self.objects += 1;
        self.pods += outcome.pods.len();
        let with = outcome.pods.iter().filter(|pod| !pod.devices.is_empty());
        self.with_devices += with.count();
        for (does, rule, _) in said(outcome) {
            if does == Severity::Deny.as_str() {
                self.denied.insert((file.to_owned(), rule.clone()));
            }
            let files = self.files_by_rule.entry(rule.clone()).or_default();
            files.insert(file.to_owned());
            *self.by_rule.entry((does, rule)).or_default() += 1;
        }
    }

    /// Asserts that each denial has its verdict, and each verdict its denial.
    pub fn assert_verdicts(&self) {
        let known: BTreeSet<_> = VERDICTS
            .iter()
            .map(|one| (one.file.to_owned(), one.rule.to_owned()))
            .collect();
        let unread: Vec<_> = self.denied.difference(&known).collect();
        let gone: Vec<_> = known.difference(&self.denied).collect();
        assert!(
            unread.is_empty(),
            "denials that nobody has read: {unread:#?}"
        );
        assert!(gone.is_empty(), "verdicts on what is not denied: {gone:#?}");
    }

    /// The whole document.
    pub fn document(&self) -> String {
        let Self {
            documents,
            objects,
            pods,
            with_devices,
            ..
        } = self;
        let files = self.files.len();
        let mut text = format!(
            "{HEAD}\nOf {documents} documents in {files} files Tollgate judges {objects}, which make {pods} kinds of pods, {with_devices} of them with devices.\n"
        );
        text += "\n## Pods by rule\n\nEach pod counts once for a rule; what is about the object counts as one. The documents of a file are known together, as if they were applied together.\n\n| rule | does | pods |\n|---|---|---|\n";
        for ((does, rule), count) in &self.by_rule {
            let (policy, _) = rule.split_once('/').unwrap();
            writeln!(text, "| [`{rule}`](rules.md#{policy}) | {does} | {count} |").unwrap();
        }
        text + &self.survey() + &self.verdicts()
    }

    fn survey(&self) -> String {
        let mut text = "\n## Beside the survey\n\nA survey counted 962 pod specs in 1,537 files by plain patterns and marked the files. The corpus is a sample of them; so the marks are compared file by file.\n\n| the survey counted | pods of 962 | files marked here | of them a rule speaks in | and in others | the difference |\n|---|---|---|---|---|---|\n".to_owned();
        for row in SURVEY {
            let ours: BTreeSet<_> = row
                .rules
                .iter()
                .filter_map(|rule| self.files_by_rule.get(*rule))
                .flatten()
                .collect();
            let (marked, both) = match row.tag {
                None => ("–".to_owned(), "–".to_owned()),
                Some(tag) => {
                    let marked: BTreeSet<_> = self
                        .files
                        .iter()
                        .filter(|one| one.tags.contains(tag))
                        .map(|one| &one.file)
                        .collect();
                    (
                        marked.len().to_string(),
                        marked.intersection(&ours).count().to_string(),
                    )
                }
            };
            let beyond = ours.len() - both.parse::<usize>().unwrap_or(0);
            writeln!(
                text,
                "| {} | {} | {marked} | {both} | {beyond} | {} |",
                row.what, row.count, row.why
            )
            .unwrap();
        }
        text
    }

    fn verdicts(&self) -> String {
        let mut text = format!(
            "\n## Every denial, read by hand\n\n{} denials by file and rule; a test fails on one that is not in this list. None is known to be wrong: each is a way past what was asked for, or cannot run.\n\n| file | rule | verdict |\n|---|---|---|\n",
            VERDICTS.len()
        );
        for one in VERDICTS {
            writeln!(text, "| `{}` | `{}` | {} |", one.file, one.rule, one.text).unwrap();
        }
        text
    }
}

/// What is done by which rule, and the pod that it is about.
fn said(outcome: &Outcome) -> BTreeSet<(&'static str, String, String)> {
    let edits = outcome.patch.iter().map(|applied| {
        let rule = format!("{}/{}", applied.policy, applied.rule);
        ("repair", rule, pod_of(outcome, &applied.op.path))
    });
    let findings = outcome.findings.iter().map(|found| {
        let rule = format!("{}/{}", found.policy, found.rule);
        (found.severity.as_str(), rule, pod_of(outcome, &found.path))
    });
    edits.chain(findings).collect()
}

/// The pod that a place is in; empty where it is the object's.
fn pod_of(outcome: &Outcome, path: &str) -> String {
    let holds = |pod: &&str| {
        let rest = path.strip_prefix(pod);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let paths = outcome.pods.iter().map(|pod| pod.path.as_str());
    let longest = paths.filter(holds).max_by_key(|pod| pod.len());
    longest.unwrap_or_default().to_owned()
}
