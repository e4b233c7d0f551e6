//! How GPUs are shared, as node labels and pods tell it.

/// How the GPUs of a node are shared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sharing {
    /// Not at all.
    None,
    /// By turns.
    TimeSlicing,
    /// By NVIDIA's Multi-Process Service.
    Mps,
}

/// Node labels that name the way of sharing: GKE's, and that of GPU feature discovery.
pub const STRATEGY_LABELS: [&str; 2] = [
    "cloud.google.com/gke-gpu-sharing-strategy",
    "nvidia.com/gpu.sharing-strategy",
];

/// The node label by which nodes with an MPS daemon are marked. Source: NVIDIA/k8s-device-plugin, README.
pub const MPS_LABEL: &str = "nvidia.com/mps.capable";

/// What the variables of MPS begin with. Source: NVIDIA, Multi-Process Service guide.
pub const MPS_VARIABLES: &str = "CUDA_MPS_";

/// Where MPS daemons keep their pipes on a node: the GPU operator's `devicePlugin.mps.root`, and MPS's own default.
pub const MPS_PIPES: [&str; 2] = ["/run/nvidia/mps", "/tmp/nvidia-mps"];

impl Sharing {
    /// Reads the word of a `Site` document or of a label.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "time-slicing" | "time-sharing" => Some(Self::TimeSlicing),
            "mps" => Some(Self::Mps),
            _ => None,
        }
    }
}

impl Sharing {
    /// The word of a `Site` document and of the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::TimeSlicing => "time-slicing",
            Self::Mps => "mps",
        }
    }
}

/// How the GPUs of nodes with a label are shared; `None` where the label does not tell.
///
/// ```
/// use tollgate_gpu::{Sharing, sharing_of};
///
/// assert_eq!(sharing_of("cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"), Some(Sharing::TimeSlicing));
/// assert_eq!(sharing_of("nvidia.com/gpu.product", "NVIDIA-L4-SHARED"), Some(Sharing::TimeSlicing));
/// assert_eq!(sharing_of("nvidia.com/gpu.product", "NVIDIA-L4"), None);
/// ```
#[must_use]
pub fn sharing_of(key: &str, value: &str) -> Option<Sharing> {
    match key {
        MPS_LABEL => (value == "true").then_some(Sharing::Mps),
        "nvidia.com/gpu.product" => value.ends_with("-SHARED").then_some(Sharing::TimeSlicing),
        _ => STRATEGY_LABELS
            .contains(&key)
            .then(|| Sharing::parse(value))?,
    }
}

/// Whether GKE's plugin hands out the GPUs of nodes with a label.
#[must_use]
pub fn is_gke_sharing(key: &str) -> bool {
    key == STRATEGY_LABELS[0]
}
