//! Models of accelerators.
//!
//! Memory is nominal, in gibibytes as the model's name or its largest MIG profile counts them:
//! what an application sees is a little less. MIG boards: see `board`. The least CPU and memory per
//! GPU are the allocatable amounts of AWS instances (aws/karpenter-provider-aws,
//! `website/content/en/preview/reference/instance-types.md`); the most are nominal amounts of the
//! largest machine per GPU of AWS, Google, Azure, Oracle and NVIDIA's DGX (their size pages): `g5.16xlarge`
//! has one A10G, `Standard_NC24ads_A100_v4` one A100, `a3-ultragpu-8g` 369 GiB per H200.

use std::{error::Error, fmt};

use crate::{
    board::{self, Board},
    distance::within,
    label::{Models, models_of_words},
    resource::Vendor,
};

/// A model of accelerator.
#[derive(Debug, Eq, PartialEq)]
pub struct Model {
    /// The name that configuration uses, such as `A100-40GB`.
    pub id: &'static str,
    /// Who makes it.
    pub vendor: Vendor,
    /// Nominal device memory, in gibibytes.
    pub memory_gib: u32,
    /// What it can be cut into; nothing where it has no MIG.
    pub board: Option<&'static Board>,
    /// The CPU and memory that one such device brings on the machines where it is found; a
    /// request beyond `most` strands devices everywhere.
    pub host: Option<ShareRange>,
}

/// The part of a machine that belongs to one of its accelerators.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// Thousandths of a virtual CPU.
    pub cpu_millis: u32,
    /// Main memory, in gibibytes.
    pub memory_gib: u32,
}

/// The smallest and the largest share over the machines with one model.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShareRange {
    /// The share on the machine that gives one accelerator the least.
    pub least: Share,
    /// The share on the machine that gives one accelerator the most.
    pub most: Share,
}

/// Why a name is not a model.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// No model is called so.
    Unknown {
        /// The name as given.
        name: String,
        /// The id of a model that is called nearly so.
        nearest: Option<&'static str>,
    },
    /// Models with different memory are called so.
    Ambiguous {
        /// The name as given.
        name: String,
        /// The models that it may mean.
        candidates: Models,
    },
}

const fn model(id: &'static str, vendor: Vendor, memory_gib: u32) -> Model {
    Model {
        id,
        vendor,
        memory_gib,
        board: None,
        host: None,
    }
}

const fn nvidia(id: &'static str, memory_gib: u32) -> Model {
    model(id, Vendor::Nvidia, memory_gib)
}

const fn amd(id: &'static str, memory_gib: u32) -> Model {
    model(id, Vendor::Amd, memory_gib)
}

const fn share(cpu_millis: u32, memory_gib: u32) -> Share {
    Share {
        cpu_millis,
        memory_gib,
    }
}

impl Model {
    const fn cut(self, board: &'static Board) -> Self {
        Self {
            board: Some(board),
            ..self
        }
    }

    const fn host(self, least: Share, most: Share) -> Self {
        Self {
            host: Some(ShareRange { least, most }),
            ..self
        }
    }
}

/// Defines each model once: as a static that other tables refer to, and as a row of [`MODELS`].
macro_rules! models {
    ($($name:ident = $model:expr;)*) => {
        $(pub(crate) static $name: Model = $model;)*

        /// Every model that is known.
        pub static MODELS: &[&Model] = &[$(&$name),*];
    };
}

models! {
    A100_40GB = nvidia("A100-40GB", 40).cut(&board::A100_40)
        .host(share(12_000, 132), share(32_000, 256));
    A100_80GB = nvidia("A100-80GB", 80).cut(&board::SEVEN_80)
        .host(share(12_000, 132), share(32_000, 256));
    A800_40GB = nvidia("A800-40GB", 40).cut(&board::A100_40);
    A800_80GB = nvidia("A800-80GB", 80).cut(&board::SEVEN_80);
    H100_80GB = nvidia("H100-80GB", 80).cut(&board::SEVEN_80)
        .host(share(15_900, 235), share(28_000, 256));
    H100_NVL = nvidia("H100-NVL", 94).cut(&board::SEVEN_94);
    H100_96GB = nvidia("H100-96GB", 96).cut(&board::SEVEN_96);
    H800_80GB = nvidia("H800-80GB", 80).cut(&board::SEVEN_80);
    H800_NVL = nvidia("H800-NVL", 94).cut(&board::SEVEN_94);
    H20 = nvidia("H20", 96).cut(&board::SEVEN_96);
    H200 = nvidia("H200", 141).cut(&board::H200)
        .host(share(24_000, 236), share(28_000, 369));
    GH200_96GB = nvidia("GH200-96GB", 96).cut(&board::SEVEN_96);
    GH200_144GB = nvidia("GH200-144GB", 144).cut(&board::GH200_144);
    B200 = nvidia("B200", 180).cut(&board::B200)
        .host(share(24_000, 236), share(28_000, 496));
    GB200 = nvidia("GB200", 186).cut(&board::GB200);
    B300 = nvidia("B300", 269).cut(&board::B300)
        .host(share(24_000, 473), share(24_000, 512));
    GB300 = nvidia("GB300", 278).cut(&board::GB300);
    A30 = nvidia("A30", 24).cut(&board::A30);
    RTX_PRO_6000 = nvidia("RTX-PRO-6000", 96).cut(&board::RTX_PRO_6000)
        .host(share(7_900, 56), share(48_000, 256));
    RTX_PRO_5000 = nvidia("RTX-PRO-5000", 48).cut(&board::RTX_PRO_5000);
    RTX_PRO_4500 = nvidia("RTX-PRO-4500", 32).cut(&board::RTX_PRO_4500);
    T4 = nvidia("T4", 16).host(share(3_900, 14), share(64_000, 312));
    T4G = nvidia("T4G", 16);
    L4 = nvidia("L4", 24).host(share(3_900, 14), share(64_000, 256));
    L40 = nvidia("L40", 48);
    L40S = nvidia("L40S", 48).host(share(3_900, 29), share(64_000, 512));
    A2 = nvidia("A2", 16);
    A10 = nvidia("A10", 24);
    A10G = nvidia("A10G", 24).host(share(3_900, 14), share(64_000, 256));
    A16 = nvidia("A16", 16);
    A40 = nvidia("A40", 48);
    V100_16GB = nvidia("V100-16GB", 16);
    V100_32GB = nvidia("V100-32GB", 32).host(share(12_000, 88), share(12_000, 96));
    P100 = nvidia("P100", 16);
    P4 = nvidia("P4", 8);
    RTX_6000_ADA = nvidia("RTX-6000-Ada", 48);
    RTX_A6000 = nvidia("RTX-A6000", 48);
    RTX_3090 = nvidia("RTX-3090", 24);
    RTX_4090 = nvidia("RTX-4090", 24);
    RTX_5090 = nvidia("RTX-5090", 32);
    MI210 = amd("MI210", 64);
    MI250 = amd("MI250", 128);
    MI250X = amd("MI250X", 128);
    MI300A = amd("MI300A", 128);
    MI300X = amd("MI300X", 192);
    MI325X = amd("MI325X", 256);
    MI350X = amd("MI350X", 288);
    MI355X = amd("MI355X", 288);
    V520 = amd("V520", 8);
    GAUDI = model("Gaudi", Vendor::Intel, 32);
    GAUDI_2 = model("Gaudi2", Vendor::Intel, 96);
    GAUDI_3 = model("Gaudi3", Vendor::Intel, 128);
    INFERENTIA = model("Inferentia", Vendor::Aws, 8);
    INFERENTIA_2 = model("Inferentia2", Vendor::Aws, 32);
    TRAINIUM = model("Trainium", Vendor::Aws, 32)
        .host(share(8_000, 29), share(8_000, 32));
    TRAINIUM_2 = model("Trainium2", Vendor::Aws, 96)
        .host(share(12_000, 118), share(12_000, 128));
    TPU_V4 = model("TPU-v4", Vendor::Google, 32);
    TPU_V5E = model("TPU-v5e", Vendor::Google, 16);
    TPU_V5P = model("TPU-v5p", Vendor::Google, 95);
    TPU_V6E = model("TPU-v6e", Vendor::Google, 32);
    TPU_7X = model("TPU7x", Vendor::Google, 192);
}

impl Model {
    /// Reads a model's name: its id in any case, or a product as node labels have it, such as
    /// `NVIDIA-A100-SXM4-40GB`.
    ///
    /// # Errors
    ///
    /// When no model is called so, or several of different memory are.
    pub fn parse(name: &str) -> Result<&'static Self, ModelError> {
        if let Some(model) = MODELS
            .iter()
            .find(|model| model.id.eq_ignore_ascii_case(name))
        {
            return Ok(model);
        }
        match models_of_words(name) {
            Some([model]) => Ok(model),
            Some(candidates) => Err(ModelError::Ambiguous {
                name: name.to_owned(),
                candidates,
            }),
            None => Err(ModelError::Unknown {
                name: name.to_owned(),
                nearest: nearest_id(name),
            }),
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                name,
                nearest: None,
            } => write!(f, "`{name}` is no known GPU model"),
            Self::Unknown {
                name,
                nearest: Some(nearest),
            } => {
                write!(f, "`{name}` is no known GPU model; `{nearest}` is")
            }
            Self::Ambiguous { name, candidates } => {
                let ids: Vec<_> = candidates
                    .iter()
                    .map(|model| format!("`{}`", model.id))
                    .collect();
                write!(f, "`{name}` may be {}", ids.join(" or "))
            }
        }
    }
}

impl Error for ModelError {}

fn nearest_id(name: &str) -> Option<&'static str> {
    let typed = name.to_ascii_uppercase();
    MODELS
        .iter()
        .filter_map(|model| Some((within(&typed, &model.id.to_ascii_uppercase(), 2)?, model.id)))
        .filter(|(distance, id)| distance * 2 < id.len())
        .min()
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::{MODELS, Model, ModelError};

    #[test]
    fn reads_every_id_in_any_case() {
        for model in MODELS {
            assert_eq!(Model::parse(model.id), Ok(*model));
            assert_eq!(Model::parse(&model.id.to_lowercase()), Ok(*model));
        }
    }

    #[test]
    fn ids_differ() {
        for (index, model) in MODELS.iter().enumerate() {
            assert!(
                MODELS
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.id != model.id),
                "{}",
                model.id
            );
        }
    }

    #[test]
    fn reads_product_names() {
        assert_eq!(
            Model::parse("NVIDIA-A100-SXM4-40GB").unwrap().id,
            "A100-40GB"
        );
        assert_eq!(
            Model::parse("AMD_Instinct_MI300X_OAM").unwrap().id,
            "MI300X"
        );
    }

    #[test]
    fn an_ambiguous_name_is_refused_with_its_readings() {
        assert_eq!(
            Model::parse("A100").unwrap_err().to_string(),
            "`A100` may be `A100-40GB` or `A100-80GB`"
        );
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        let nearest = |name| match Model::parse(name) {
            Err(ModelError::Unknown { nearest, .. }) => nearest,
            other => panic!("{other:?}"),
        };
        assert_eq!(nearest("H10-80GB"), Some("H100-80GB"));
        assert_eq!(nearest("RTX-PRO-600"), Some("RTX-PRO-6000"));
        assert_eq!(nearest("L40SS"), Some("L40S"));
        assert_eq!(nearest("toaster"), None);
        assert_eq!(
            Model::parse("MI300Y").unwrap_err().to_string(),
            "`MI300Y` is no known GPU model; `MI300A` is"
        );
    }

    #[test]
    fn a_small_machine_gives_no_more_than_a_large_one() {
        for range in MODELS.iter().filter_map(|model| model.host) {
            assert!(range.least.cpu_millis <= range.most.cpu_millis);
            assert!(range.least.memory_gib <= range.most.memory_gib);
        }
    }
}
