//! Over how many devices a program spreads its work: by which flags it is told, and what tells that other pods
//! take part or that the number stands elsewhere.
//!
//! Sources: the argument parsers and documentation of vLLM (engine arguments, `vllm/config/parallel.py`), SGLang
//! (server arguments), Text Generation Inference (launcher), TensorRT-LLM (`trtllm-serve`) and LMDeploy; of
//! PyTorch (`torchrun`), Accelerate and DeepSpeed. The spellings also as many repositories' manifests write them.

/// One of the numbers whose product is the number of devices.
#[derive(Debug)]
pub struct Factor {
    /// What it is called.
    pub name: &'static str,
    /// The flags, in every spelling.
    pub flags: &'static [&'static str],
    /// The variable that is read where no flag is given.
    pub variable: Option<&'static str>,
    /// A flag that makes it no factor any more.
    pub unless: Option<&'static str>,
    /// Whether it makes copies of the work, rather than to split it.
    pub copies: bool,
}

/// A flag that tells that the flags of the factors do not tell all.
#[derive(Debug)]
pub struct Elsewhere {
    /// The flag, in every spelling.
    pub flags: &'static [&'static str],
    /// The one value that is harmless.
    pub unless: Option<&'static str>,
    /// Whether what it tells of are the other pods of one group, whose devices the factors count.
    pub in_group: bool,
}

impl Elsewhere {
    const fn in_group(self) -> Self {
        Self {
            in_group: true,
            ..self
        }
    }
}

/// What the product of the factors is measured by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// The devices of every pod that takes part.
    Group,
    /// The devices of each pod.
    Pod,
}

/// How a program is told over how many devices it spreads.
#[derive(Debug)]
pub struct Spread {
    /// The program, by its name in [`crate::WORKLOADS`].
    pub program: &'static str,
    /// The numbers that are multiplied.
    pub factors: &'static [&'static Factor],
    /// What tells that other pods take part, or that a number stands elsewhere.
    pub elsewhere: &'static [Elsewhere],
    /// What the product is measured by.
    pub reach: Reach,
    /// How many it uses when nothing tells; `None` where it finds out by itself.
    pub untold: Option<u32>,
}

const fn factor(name: &'static str, flags: &'static [&'static str]) -> Factor {
    Factor {
        name,
        flags,
        variable: None,
        unless: None,
        copies: false,
    }
}

/// Over how many devices each layer of a model is spread, in the spellings of every server.
pub static TENSOR: Factor = Factor {
    // Text Generation Inference reads it where the flag is missing.
    variable: Some("NUM_SHARD"),
    ..TENSOR_BY_FLAG
};

const TENSOR_BY_FLAG: Factor = factor(
    "tensor parallel size",
    &[
        "--tensor-parallel-size",
        "-tp",
        "--tp",
        "--tp-size",
        "--num-shard",
    ],
);

static TENSOR_OF_OTHERS: Factor = TENSOR_BY_FLAG;

static PIPELINE: Factor = factor(
    "pipeline parallel size",
    &["--pipeline-parallel-size", "-pp", "--pp", "--pp-size"],
);

static DATA: Factor = Factor {
    // SGLang then spreads the attention of a model over the devices that tensor parallelism has anyway.
    unless: Some("--enable-dp-attention"),
    copies: true,
    ..factor(
        "data parallel size",
        &["--data-parallel-size", "-dp", "--dp", "--dp-size"],
    )
};

static TORCHRUN: Factor = Factor {
    variable: Some("PET_NPROC_PER_NODE"),
    ..factor("processes per node", &["--nproc-per-node"])
};

static ACCELERATE: Factor = factor("processes", &["--num-processes"]);

static DEEPSPEED: Factor = factor("GPUs per node", &["--num-gpus"]);

static MODEL: &[&Factor] = &[&TENSOR_OF_OTHERS, &PIPELINE, &DATA];

const fn flag(flags: &'static [&'static str]) -> Elsewhere {
    Elsewhere {
        flags,
        unless: None,
        in_group: false,
    }
}

const fn other_than(flags: &'static [&'static str], harmless: &'static str) -> Elsewhere {
    Elsewhere {
        flags,
        unless: Some(harmless),
        in_group: false,
    }
}

/// Servers, also as Dynamo starts them. vLLM's data parallelism over several pods has many flags.
static OF_SERVERS: &[Elsewhere] = &[
    flag(&["--config", "--extra-llm-api-options"]),
    other_than(&["--nnodes"], "1").in_group(),
    flag(&["--node-rank", "--headless"]).in_group(),
    other_than(&["--distributed-executor-backend"], "mp").in_group(),
    flag(&["--data-parallel-size-local", "-dpl"]).in_group(),
    flag(&["--data-parallel-rank", "-dpn"]),
    flag(&[
        "--data-parallel-start-rank",
        "-dpr",
        "--data-parallel-address",
        "-dpa",
    ]),
    other_than(&["--data-parallel-backend", "-dpb"], "mp"),
    flag(&[
        "--data-parallel-external-lb",
        "-dpe",
        "--data-parallel-hybrid-lb",
        "-dph",
    ]),
    flag(&["--prefill-context-parallel-size", "-pcp"]),
    // SGLang.
    flag(&["--dist-init-addr", "--nccl-init-addr", "--use-ray"]).in_group(),
    flag(&["--base-gpu-id", "--gpu-id-step"]),
];

/// Processes that compute on the CPU need no devices.
static OF_TORCHRUN: &[Elsewhere] = &[other_than(&["--backend", "--dist-backend"], "nccl")];

static OF_ACCELERATE: &[Elsewhere] = &[
    flag(&["--config-file"]),
    other_than(&["--num-machines"], "1"),
    flag(&["--cpu", "--use-cpu", "--tpu"]),
];

static OF_DEEPSPEED: &[Elsewhere] = &[flag(&["--include", "-i", "--exclude", "-e"])];

const fn model(program: &'static str) -> Spread {
    Spread {
        program,
        factors: MODEL,
        elsewhere: OF_SERVERS,
        reach: Reach::Group,
        untold: Some(1),
    }
}

/// A server that finds out by itself what it is not told.
const fn told(program: &'static str) -> Spread {
    Spread {
        untold: None,
        ..model(program)
    }
}

const fn launcher(
    program: &'static str,
    factors: &'static [&'static Factor],
    elsewhere: &'static [Elsewhere],
) -> Spread {
    Spread {
        program,
        factors,
        elsewhere,
        reach: Reach::Pod,
        untold: None,
    }
}

static SPREADS: &[Spread] = &[
    model("vllm"),
    model("sglang"),
    // The launcher counts the devices that it sees.
    Spread {
        factors: &[&TENSOR],
        ..told("text-generation-inference")
    },
    // Built engines and converted models have sizes of their own.
    told("tensorrt-llm"),
    told("lmdeploy"),
    told("dynamo"),
    launcher("torchrun", &[&TORCHRUN], OF_TORCHRUN),
    launcher("accelerate", &[&ACCELERATE], OF_ACCELERATE),
    launcher("deepspeed", &[&DEEPSPEED], OF_DEEPSPEED),
];

/// Resources of which every process takes one: a process of a Neuron chip or a TPU takes a core of it.
static ONE_EACH: [&str; 3] = ["nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi"];

/// How a program of [`crate::WORKLOADS`] is told over how many devices it spreads.
///
/// ```
/// use tollgate_gpu::spread;
///
/// let factors = spread("vllm").map(|spread| spread.factors.len());
/// assert_eq!(factors, Some(3));
/// ```
#[must_use]
pub fn spread(program: &str) -> Option<&'static Spread> {
    SPREADS.iter().find(|row| row.program == program)
}

/// Whether each of a program's processes takes one device of this resource.
#[must_use]
pub fn takes_one_each(resource: &str) -> bool {
    ONE_EACH.contains(&resource)
}

#[cfg(test)]
mod tests {
    use super::{Reach, SPREADS, spread, takes_one_each};
    use crate::{WORKLOADS, lookup};

    #[test]
    fn every_row_is_of_a_known_program_and_has_factors() {
        for row in SPREADS {
            assert!(
                WORKLOADS.iter().any(|known| known.name == row.program),
                "{}",
                row.program
            );
            assert!(!row.factors.is_empty(), "{}", row.program);
        }
    }

    #[test]
    fn flags_of_a_program_are_read_in_one_way() {
        for row in SPREADS {
            let factors = row.factors.iter().flat_map(|factor| factor.flags);
            let all: Vec<_> = factors
                .chain(row.elsewhere.iter().flat_map(|flag| flag.flags))
                .collect();
            for (index, flag) in all.iter().enumerate() {
                assert!(
                    !all.iter().skip(index + 1).any(|other| other == flag),
                    "{flag}"
                );
            }
        }
    }

    #[test]
    fn launchers_count_by_pod_and_servers_by_group() {
        assert_eq!(spread("torchrun").unwrap().reach, Reach::Pod);
        assert_eq!(spread("sglang").unwrap().reach, Reach::Group);
        assert!(spread("triton").is_none());
    }

    #[test]
    fn cores_are_not_taken_one_each() {
        for name in [
            "google.com/tpu",
            "aws.amazon.com/neuron",
            "nvidia.com/mig-1g.10gb",
        ] {
            assert!(lookup(name).is_some() && !takes_one_each(name), "{name}");
        }
        assert!(takes_one_each("amd.com/gpu"));
    }
}
