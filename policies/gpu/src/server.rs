//! What a container runs: inference servers, training launchers, and kinds that end by themselves.
//!
//! Sources: documentation of each program for ports, probe paths and metrics (vLLM "Production
//! metrics", SGLang "Production metrics", Text Generation Inference and Text Embeddings Inference
//! `/metrics`, Triton "Metrics", TorchServe "Metrics" with `metrics_mode=prometheus`, NIM for LLMs
//! "Observability", Ray Serve "Monitoring", llama.cpp `tools/server`); commands also as the
//! manifests of many repositories write them. Start-up times are what published manifests allow:
//! startup probes of 200, 600, 900 and 3,600 seconds for language models.

/// What a workload is for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Role {
    /// Answers requests until it is stopped.
    Serving,
    /// Ends when its work is done.
    Training,
}

/// A program that is known to use accelerators.
#[derive(Debug, Eq, PartialEq)]
pub struct Workload {
    /// Its usual name.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Images that start it without a command, as neighbouring parts of an image's path; the last
    /// part may end in `*`.
    images: &'static [&'static str],
    /// First words of its command line, the program by its base name and any Python as `python`;
    /// a module may end in `*`.
    commands: &'static [&'static str],
    /// The port where it listens unless told otherwise.
    pub port: Option<u16>,
    /// The HTTP path on that port that answers 200 once it can serve.
    pub ready: Option<&'static str>,
    /// Flags that say another port.
    pub port_flags: &'static [&'static str],
    /// The variable that says another port where no flag does.
    pub port_variable: Option<&'static str>,
    /// Whether it listens on the loopback address alone unless told otherwise, out of the reach of probes.
    pub loopback: bool,
    /// How it is told which model to load; nothing where the model is in the image or in a folder.
    pub model: ModelName,
    /// How long a start takes; nothing where it loads models on demand.
    pub start: Option<Start>,
    /// Its metrics for Prometheus.
    pub metrics: Option<Metrics>,
}

/// How a server is told which model to load.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ModelName {
    /// The flags.
    pub flags: &'static [&'static str],
    /// The word that the model follows.
    pub after: Option<&'static str>,
    /// The variable that is read where neither is given.
    pub variable: Option<&'static str>,
}

/// How long a start takes, model and all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Start {
    /// Seconds in which no model of some size has been loaded.
    pub least: u32,
    /// Seconds that a slow start may well take.
    pub most: u32,
}

/// The metrics of a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Metrics {
    /// The port.
    pub port: u16,
    /// The HTTP path.
    pub path: &'static str,
    /// Names by which servers are scaled or watched, without the suffixes of histograms.
    pub names: &'static [&'static str],
}

/// What a container is told to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invocation<'a> {
    /// The image, in any form.
    pub image: &'a str,
    /// The container's `command`; empty where the image decides.
    pub command: &'a [String],
    /// The container's `args`.
    pub args: &'a [String],
}

/// Every program that is known. The first row that fits counts.
pub static WORKLOADS: &[Workload] = &[
    serving("vllm", 8000, "/health")
        .images(&["vllm-openai", "vllm-openai-rocm"])
        .commands(&["vllm serve", "python -m vllm.entrypoints.*"])
        .loads(&["--model"], Some("serve"), None)
        .starts(120, 900)
        .metrics(
            8000,
            "/metrics",
            &[
                "vllm:num_requests_running",
                "vllm:num_requests_waiting",
                // Until 0.10 `gpu_cache_usage_perc`.
                "vllm:kv_cache_usage_perc",
                "vllm:gpu_cache_usage_perc",
                "vllm:time_to_first_token_seconds",
                "vllm:e2e_request_latency_seconds",
                "vllm:request_queue_time_seconds",
                "vllm:prompt_tokens_total",
                "vllm:generation_tokens_total",
                "vllm:request_success_total",
            ],
        ),
    // Metrics only with `--enable-metrics`.
    serving("sglang", 30000, "/health")
        .commands(&["python -m sglang.launch_server", "sglang serve"])
        .on_loopback()
        .loads(&["--model-path", "--model"], None, None)
        .starts(120, 900)
        .metrics(
            30000,
            "/metrics",
            &[
                "sglang:num_running_reqs",
                "sglang:num_queue_reqs",
                "sglang:token_usage",
                "sglang:cache_hit_rate",
                "sglang:gen_throughput",
                "sglang:time_to_first_token_seconds",
                "sglang:e2e_request_latency_seconds",
                "sglang:prompt_tokens_total",
                "sglang:generation_tokens_total",
            ],
        ),
    serving("text-generation-inference", 80, "/health")
        .images(&[
            "text-generation-inference",
            "huggingface-text-generation-inference*",
        ])
        .commands(&["text-generation-launcher"])
        .told_port(&["--port", "-p"], Some("PORT"))
        .loads(&["--model-id"], None, Some("MODEL_ID"))
        .starts(120, 900)
        .metrics(
            80,
            "/metrics",
            &[
                "tgi_queue_size",
                "tgi_batch_current_size",
                "tgi_request_count",
                "tgi_request_duration",
                "tgi_request_queue_duration",
                "tgi_request_mean_time_per_token_duration",
            ],
        ),
    serving("text-embeddings-inference", 80, "/health")
        .images(&["text-embeddings-inference"])
        .commands(&["text-embeddings-router"])
        .told_port(&["--port", "-p"], Some("PORT"))
        .starts(30, 300)
        .metrics(
            80,
            "/metrics",
            &[
                "te_queue_size",
                "te_batch_next_size",
                "te_request_count",
                "te_request_duration",
                "te_embed_count",
            ],
        ),
    serving("triton", 8000, "/v2/health/ready")
        .commands(&["tritonserver"])
        .told_port(&["--http-port"], None)
        .starts(60, 600)
        .metrics(
            8002,
            "/metrics",
            &[
                "nv_inference_request_success",
                "nv_inference_request_failure",
                "nv_inference_count",
                "nv_inference_pending_request_count",
                "nv_inference_queue_duration_us",
                "nv_inference_request_duration_us",
                "nv_gpu_utilization",
            ],
        ),
    serving("tensorrt-llm", 8000, "/health")
        .commands(&["trtllm-serve"])
        .on_loopback()
        .loads(&[], Some("trtllm-serve"), None)
        .starts(120, 900),
    // The project is no longer maintained, its README says. Its addresses stand in a file.
    serving("torchserve", 8080, "/ping")
        .images(&["torchserve", "torchserve-kfs"])
        .commands(&["torchserve"])
        .told_port(&[], None)
        .on_loopback()
        .starts(30, 300)
        .metrics(
            8082,
            "/metrics",
            &[
                "ts_inference_requests_total",
                "ts_inference_latency_microseconds",
                "ts_queue_latency_microseconds",
            ],
        ),
    serving("nim", 8000, "/v1/health/ready")
        .images(&["nvcr.io/nim"])
        .told_port(&[], Some("NIM_SERVER_PORT"))
        .starts(120, 1800)
        .metrics(
            8000,
            "/v1/metrics",
            &[
                "num_requests_running",
                "num_requests_waiting",
                "num_request_max",
                "gpu_cache_usage_perc",
                "time_to_first_token_seconds",
                "e2e_request_latency_seconds",
                "prompt_tokens_total",
                "generation_tokens_total",
            ],
        ),
    serving("ray-serve", 8000, "/-/healthz")
        .commands(&["serve run"])
        .told_port(&[], None)
        .on_loopback()
        .metrics(
            8080,
            "/metrics",
            &[
                "ray_serve_num_ongoing_http_requests",
                "ray_serve_num_http_requests_total",
                "ray_serve_http_request_latency_ms",
                "ray_serve_deployment_queued_queries",
                "ray_serve_replica_processing_queries",
                "ray_serve_deployment_processing_latency_ms",
            ],
        ),
    serving("lmdeploy", 23333, "/health")
        .commands(&["lmdeploy serve"])
        .told_port(&["--server-port"], None)
        .loads(&[], Some("api_server"), None)
        .starts(120, 900),
    // Metrics only with `--metrics`.
    serving("llama.cpp", 8080, "/health")
        .commands(&["llama-server"])
        .told_port(&["--port"], Some("LLAMA_ARG_PORT"))
        .on_loopback()
        .starts(30, 600)
        .metrics(
            8080,
            "/metrics",
            &[
                "llamacpp:requests_processing",
                "llamacpp:requests_deferred",
                "llamacpp:prompt_tokens_total",
                "llamacpp:tokens_predicted_total",
                "llamacpp:predicted_tokens_seconds",
            ],
        ),
    serving("ollama", 11434, "/")
        .images(&["ollama/ollama"])
        .commands(&["ollama serve"])
        .told_port(&[], None)
        .on_loopback(),
    serving("djl-serving", 8080, "/ping")
        .images(&["djl-serving"])
        .told_port(&[], None)
        .starts(60, 900),
    // Readiness is a matter of the model's own path, or of a frontend elsewhere.
    workload("tensorflow-serving", Role::Serving)
        .images(&["tensorflow/serving"])
        .commands(&["tensorflow_model_server"]),
    workload("dynamo", Role::Serving).commands(&[
        "python -m dynamo.vllm",
        "python -m dynamo.sglang",
        "python -m dynamo.trtllm",
    ]),
    training("torchrun").commands(&[
        "torchrun",
        "python -m torch.distributed.run",
        "python -m torch.distributed.launch",
    ]),
    training("accelerate").commands(&[
        "accelerate launch",
        "accelerate-launch",
        "python -m accelerate.commands.launch",
    ]),
    training("deepspeed").commands(&["deepspeed"]),
    training("mpirun").commands(&["mpirun", "mpiexec"]),
    training("horovodrun").commands(&["horovodrun"]),
    training("torchtune").commands(&["tune run"]),
    training("axolotl").commands(&["axolotl train", "python -m axolotl.cli.train"]),
    training("llamafactory").commands(&["llamafactory-cli train"]),
];

/// Kinds whose pods end by themselves, as `Kind.group`.
static BATCH_KINDS: &[&str] = &[
    "Job.batch",
    "CronJob.batch",
    "PyTorchJob.kubeflow.org",
    "TFJob.kubeflow.org",
    "MPIJob.kubeflow.org",
    "XGBoostJob.kubeflow.org",
    "PaddleJob.kubeflow.org",
    "MXJob.kubeflow.org",
    "JAXJob.kubeflow.org",
    "Experiment.kubeflow.org",
    "Trial.kubeflow.org",
    "TrainJob.trainer.kubeflow.org",
    "JobSet.jobset.x-k8s.io",
    "Job.batch.volcano.sh",
    "CronJob.batch.volcano.sh",
    "RayJob.ray.io",
    "RayCronJob.ray.io",
    "Workflow.argoproj.io",
    "CronWorkflow.argoproj.io",
    "ScaledJob.keda.sh",
    "AppWrapper.workload.codeflare.dev",
    "SparkApplication.sparkoperator.k8s.io",
    "PipelineRun.tekton.dev",
    "TaskRun.tekton.dev",
];

/// Programs and shell words that run what follows them.
#[rustfmt::skip]
const WRAPPERS: [&str; 26] = [
    "sh", "bash", "dash", "ash", "zsh", "exec", "sudo", "env", "nohup", "time", "setsid", "stdbuf",
    "tini", "dumb-init", "numactl", "uv", "poetry", "run", "if", "then", "else", "do", "while",
    "until", "!", "{",
];

const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "zsh"];

const fn workload(name: &'static str, role: Role) -> Workload {
    Workload {
        name,
        role,
        images: &[],
        commands: &[],
        port: None,
        ready: None,
        port_flags: &[],
        port_variable: None,
        loopback: false,
        model: ModelName {
            flags: &[],
            after: None,
            variable: None,
        },
        start: None,
        metrics: None,
    }
}

const fn serving(name: &'static str, port: u16, ready: &'static str) -> Workload {
    Workload {
        port: Some(port),
        ready: Some(ready),
        port_flags: &["--port"],
        ..workload(name, Role::Serving)
    }
}

const fn training(name: &'static str) -> Workload {
    workload(name, Role::Training)
}

/// The known program that a container runs.
///
/// The command line decides, also inside `bash -c "…"`: a program counts where a command begins,
/// so `pip install vllm` is not vLLM. Only a container without a command of its own is judged by
/// its image, and only by images that start the program by themselves.
///
/// ```
/// use tollgate_gpu::{Invocation, recognise};
///
/// let command = ["bash", "-c", "cd /work && torchrun --nnodes=2 train.py"].map(String::from);
/// let container = Invocation { image: "pytorch", command: &command, args: &[] };
/// assert_eq!(recognise(&container).map(|known| known.name), Some("torchrun"));
/// ```
#[must_use]
pub fn recognise(container: &Invocation<'_>) -> Option<&'static Workload> {
    let Invocation {
        image,
        command,
        args,
    } = *container;
    let words: Vec<&str> = command.iter().chain(args).map(String::as_str).collect();
    let by_command = simple_commands(&words)
        .iter()
        .find_map(|words| run_by(words));
    by_command.or_else(|| {
        let image_decides = command.is_empty() && continues_an_entrypoint(args);
        let by_image = || WORKLOADS.iter().find(|known| known.is_started_by(image));
        image_decides.then(by_image).flatten()
    })
}

/// Whether objects of this kind, written `Kind.group`, end by themselves.
#[must_use]
pub fn is_batch_kind(kind: &str) -> bool {
    BATCH_KINDS.contains(&kind)
}

/// The program at the head of a command. Where that is `mpirun`, a server that it starts counts
/// for more: Triton and TensorRT-LLM are started so on several GPUs.
fn run_by(words: &[&str]) -> Option<&'static Workload> {
    let head = WORKLOADS.iter().find(|known| known.is_run_by(words))?;
    let server_at = |rest: &[&str]| {
        WORKLOADS
            .iter()
            .find(|known| known.role == Role::Serving && known.is_run_by(rest))
    };
    let started = || (1..words.len()).find_map(|start| server_at(words.get(start..)?));
    if head.name == "mpirun" {
        started().or(Some(head))
    } else {
        Some(head)
    }
}

/// Whether arguments without a command go to the program of the image: flags do, and so does a
/// model's name; another word, as `download-to-cache`, tells the image to run something else.
fn continues_an_entrypoint(args: &[String]) -> bool {
    args.first().is_none_or(|first| {
        first.starts_with('-')
            || first == "serve"
            || (first.contains('/') && !first.starts_with('/'))
    })
}

impl Workload {
    const fn images(self, images: &'static [&'static str]) -> Self {
        Self { images, ..self }
    }

    const fn commands(self, commands: &'static [&'static str]) -> Self {
        Self { commands, ..self }
    }

    const fn told_port(
        self,
        port_flags: &'static [&'static str],
        port_variable: Option<&'static str>,
    ) -> Self {
        Self {
            port_flags,
            port_variable,
            ..self
        }
    }

    const fn on_loopback(self) -> Self {
        Self {
            loopback: true,
            ..self
        }
    }

    const fn loads(
        self,
        flags: &'static [&'static str],
        after: Option<&'static str>,
        variable: Option<&'static str>,
    ) -> Self {
        Self {
            model: ModelName {
                flags,
                after,
                variable,
            },
            ..self
        }
    }

    const fn starts(self, least: u32, most: u32) -> Self {
        Self {
            start: Some(Start { least, most }),
            ..self
        }
    }

    const fn metrics(self, port: u16, path: &'static str, names: &'static [&'static str]) -> Self {
        Self {
            metrics: Some(Metrics { port, path, names }),
            ..self
        }
    }

    fn is_run_by(&self, words: &[&str]) -> bool {
        self.commands
            .iter()
            .any(|command| begins_with(words, command))
    }

    fn is_started_by(&self, image: &str) -> bool {
        self.images.iter().any(|pattern| has_path(image, pattern))
    }
}

/// Whether the words of a command begin with those of the pattern.
fn begins_with(words: &[&str], pattern: &str) -> bool {
    // Most patterns are of another program.
    let is_other = |first: &&str| !pattern.starts_with(program(first));
    if words.first().is_some_and(is_other) {
        return false;
    }
    let mut words = words.iter().copied();
    pattern.split(' ').enumerate().all(|(position, wanted)| {
        let Some(word) = words.next() else {
            return false;
        };
        if position == 0 {
            program(word) == wanted
        } else {
            fits(word, wanted)
        }
    })
}

/// The base name of a program, with `python` for every version of Python.
fn program(word: &str) -> &str {
    let name = base_name(word);
    if name.starts_with("python") {
        "python"
    } else {
        name
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn fits(text: &str, pattern: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(text == pattern, |prefix| text.starts_with(prefix))
}

/// Whether the parts of the pattern are neighbours in the path of the image.
fn has_path(image: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = without_tag(image).split('/').collect();
    let wanted: Vec<&str> = pattern.split('/').collect();
    parts.windows(wanted.len()).any(|window| {
        window
            .iter()
            .zip(&wanted)
            .all(|(part, wanted)| fits(part, wanted))
    })
}

/// The image without digest and tag; a colon before the last `/` is a registry's port.
fn without_tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => path,
        _ => image,
    }
}

/// The commands in a command line, each without what merely runs it.
fn simple_commands<'a>(words: &[&'a str]) -> Vec<Vec<&'a str>> {
    let is_shell = words
        .iter()
        .take_while(|word| is_prelude(word))
        .any(|word| SHELLS.contains(&base_name(word)));
    if is_shell {
        words.iter().flat_map(|word| script(word)).collect()
    } else {
        vec![unwrapped(words.iter().copied())]
    }
}

/// The commands of a shell script, as far as separators tell; quotes are dropped.
fn script(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.split(['\n', ';', '&', '|', '(', ')']).map(|command| {
        let words = command
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']));
        unwrapped(words)
    })
}

/// The words from the program on: past assignments, wrappers and their flags, and, in Python's
/// case, without the flags before `-m`.
fn unwrapped<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut rest = words
        .skip_while(|word| is_prelude(word))
        .filter(|word| *word != "\\");
    let Some(first) = rest.next() else {
        return Vec::new();
    };
    let is_python = program(first) == "python";
    let rest = rest.skip_while(|word| is_python && word.starts_with('-') && *word != "-m");
    std::iter::once(first).chain(rest).collect()
}

/// What may stand before a program.
fn is_prelude(word: &str) -> bool {
    word.starts_with('-') || is_assignment(word) || WRAPPERS.contains(&base_name(word))
}

/// `NCCL_DEBUG=INFO` before a command.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::{Invocation, Role, WORKLOADS, is_batch_kind, recognise};

    fn name(image: &str, command: &[&str], args: &[&str]) -> Option<&'static str> {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (command, args) = (owned(command), owned(args));
        let container = Invocation {
            image,
            command: &command,
            args: &args,
        };
        recognise(&container).map(|known| known.name)
    }

    #[test]
    fn recognises_servers_and_launchers_by_their_command() {
        for (words, expected) in [
            (&["vllm", "serve", "Qwen/Qwen3-0.6B"][..], "vllm"),
            (
                &["python3", "-m", "vllm.entrypoints.openai.api_server"],
                "vllm",
            ),
            (&["python3", "-u", "-m", "sglang.launch_server"], "sglang"),
            (
                &[
                    "/opt/tritonserver/bin/tritonserver",
                    "--model-repository=/m",
                ],
                "triton",
            ),
            (
                &["/usr/local/bin/torchrun", "--nproc_per_node=8", "train.py"],
                "torchrun",
            ),
            (
                &["python", "-m", "torch.distributed.launch", "train.py"],
                "torchrun",
            ),
            (&["accelerate", "launch", "train.py"], "accelerate"),
            (&["deepspeed", "--num_gpus", "8", "train.py"], "deepspeed"),
            (&["env", "NCCL_DEBUG=INFO", "mpirun", "-np", "16"], "mpirun"),
            (&["python3", "-m", "dynamo.vllm"], "dynamo"),
        ] {
            assert_eq!(
                name("example.com/own:1", words, &[]),
                Some(expected),
                "{words:?}"
            );
            assert_eq!(
                name("example.com/own:1", &[], words),
                Some(expected),
                "{words:?}"
            );
        }
    }

    #[test]
    fn reads_the_scripts_of_shells() {
        for (script, expected) in [
            ("vllm serve mistralai/Mistral-7B-v0.3 --port 8888", "vllm"),
            (
                "cd /; pip install -r r.txt && torchrun \\\n --nproc_per_node=32 train.py",
                "torchrun",
            ),
            (
                "export A=b\nexec python3 -m sglang.launch_server --tp 2 \\\n  --port 1",
                "sglang",
            ),
            (
                "NCCL_DEBUG=INFO mpirun --allow-run-as-root -np 16 /profile.sh",
                "mpirun",
            ),
            ("if true; then accelerate launch x.py; fi", "accelerate"),
            ("bash -c 'horovodrun -np 4 python t.py'", "horovodrun"),
        ] {
            assert_eq!(
                name("own", &["bash", "-c", script], &[]),
                Some(expected),
                "{script}"
            );
            assert_eq!(
                name("own", &["/bin/sh", "-c", "--"], &[script]),
                Some(expected),
                "{script}"
            );
        }
    }

    #[test]
    fn finds_the_shell_behind_an_init_program() {
        let words = ["tini", "--", "/bin/bash", "-c", "pip list; vllm serve m"];
        assert_eq!(name("own", &words, &[]), Some("vllm"));
    }

    #[test]
    fn a_program_counts_only_where_a_command_begins() {
        for script in [
            "pip install vllm && python bench.py",
            "echo vllm serve",
            "vllm bench throughput",
            "python train_torchrun.py",
            "python -m torch.utils.collect_env",
            "# torchrun train.py",
            "cat deepspeed.json",
            "sleep infinity",
            "ray start --head",
            "serve -s build",
        ] {
            assert_eq!(name("own", &["bash", "-c", script], &[]), None, "{script}");
        }
    }

    #[test]
    fn the_image_decides_where_there_is_no_command() {
        for (image, expected) in [
            ("vllm/vllm-openai:v0.11.0", Some("vllm")),
            ("docker.io/vllm/vllm-openai@sha256:00", Some("vllm")),
            ("localhost:5000/vllm-openai", Some("vllm")),
            (
                "ghcr.io/huggingface/text-generation-inference:2.0",
                Some("text-generation-inference"),
            ),
            ("nvcr.io/nim/meta/llama-3.1-8b-instruct:1", Some("nim")),
            ("pytorch/torchserve:latest-gpu", Some("torchserve")),
            ("ollama/ollama", Some("ollama")),
            ("registry/vllm-bench-client:latest", None),
            ("example.com/nim/tool", None),
            ("ubuntu:22.04", None),
            ("", None),
        ] {
            assert_eq!(name(image, &[], &["--model", "m"]), expected, "{image}");
        }
    }

    #[test]
    fn a_command_of_its_own_hides_what_the_image_would_start() {
        assert_eq!(name("vllm/vllm-openai", &["sleep", "infinity"], &[]), None);
        assert_eq!(
            name("vllm/vllm-openai", &["torchrun"], &["t.py"]),
            Some("torchrun")
        );
    }

    #[test]
    fn arguments_that_are_a_command_hide_it_too() {
        let nim = "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.1.0";
        assert_eq!(name(nim, &[], &["download-to-cache"]), None);
        assert_eq!(name("vllm/vllm-openai", &[], &["/bin/bench"]), None);
        assert_eq!(
            name("vllm/vllm-openai", &[], &["Qwen/Qwen3-0.6B", "--tp=2"]),
            Some("vllm")
        );
        assert_eq!(
            name("pytorch/torchserve", &[], &["serve"]),
            Some("torchserve")
        );
    }

    #[test]
    fn a_server_started_by_mpirun_is_a_server() {
        let words = [
            "mpirun",
            "-n",
            "2",
            "/opt/tritonserver/bin/tritonserver",
            "--grpc-port=1",
        ];
        assert_eq!(name("own", &words, &[]), Some("triton"));
        assert_eq!(
            name("own", &["mpirun", "-n", "2", "python", "train.py"], &[]),
            Some("mpirun")
        );
    }

    #[test]
    fn servers_have_a_port_where_they_have_a_path_and_launchers_have_neither() {
        for known in WORKLOADS {
            assert_eq!(
                known.port.is_some(),
                known.ready.is_some(),
                "{}",
                known.name
            );
            assert!(
                known.role == Role::Serving || known.port.is_none(),
                "{}",
                known.name
            );
        }
    }

    #[test]
    fn a_slow_start_takes_longer_than_a_quick_one_and_metrics_have_names() {
        for known in WORKLOADS {
            assert!(
                known.start.is_none_or(|start| start.least < start.most),
                "{}",
                known.name
            );
            let names = known.metrics.map(|metrics| metrics.names);
            assert!(
                names.is_none_or(|names| !names.is_empty()),
                "{}",
                known.name
            );
        }
    }

    #[test]
    fn knows_batch_kinds_by_kind_and_group() {
        assert!(is_batch_kind("Job.batch"));
        assert!(is_batch_kind("PyTorchJob.kubeflow.org"));
        assert!(!is_batch_kind("Job"));
        assert!(!is_batch_kind("Deployment.apps"));
        assert!(!is_batch_kind("Notebook.kubeflow.org"));
    }
}
