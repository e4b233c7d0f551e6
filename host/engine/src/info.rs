//! What a bundle says of its policies, and what a site says of its cluster.

use serde::{Deserialize, Serialize};

/// What a rule does about what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Refuses the object.
    Deny,
    /// Tells the author.
    Warn,
    /// Changes the pod.
    Repair,
    /// Nothing.
    Off,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 4] = [Self::Deny, Self::Warn, Self::Repair, Self::Off];

    /// The word in the contract and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Repair => "repair",
            Self::Off => "off",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// A rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInfo {
    /// The id.
    pub id: String,
    /// What it does and why.
    pub doc: String,
    /// What it does unless configured otherwise.
    pub default: Action,
    /// What must be known of the cluster for it to say anything: `nodes`, `schedulers`, or objects of a kind.
    #[serde(default)]
    pub needs: Option<String>,
    /// The kinds that it is about, as `Kind.group`; empty where it is about pods.
    #[serde(default)]
    pub about: Vec<String>,
}

/// A policy of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// What it is for.
    pub doc: String,
    /// Whether it implements `mutate`.
    pub mutates: bool,
    /// Whether it implements `validate`.
    pub validates: bool,
    /// The rules.
    pub rules: Vec<RuleInfo>,
    /// The JSON Schema of the settings, as text.
    pub settings_schema: String,
    /// The grants that it wants.
    pub grants: Vec<String>,
    /// What interests it.
    pub interests: Vec<String>,
}

impl PolicyInfo {
    /// Whether it judges objects of a kind, `Kind.group`.
    pub fn judges(&self, kind: &str, makes_pods: bool) -> bool {
        let is_named = |interest: &String| interest == kind || (makes_pods && interest == "pods");
        self.interests.iter().any(is_named)
    }

    /// The rule of an id.
    pub fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// What is true of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The GPU models, by canonical id.
    pub gpu_models: Vec<String>,
    /// The MIG strategy: `none`, `single` or `mixed`.
    pub mig_strategy: Option<String>,
    /// How whole GPUs are shared: `none`, `time-slicing` or `mps`.
    pub sharing: Option<String>,
}
