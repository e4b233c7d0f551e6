//! How much of a GPU a pod needs.

use std::fmt;

use tollgate_sdk::Pod;
use tollgate_sdk::gpu::{MigName, MigSuffix, Profile, Quantity};
use tollgate_sdk::serde::{Deserialize, Deserializer, de};

/// The annotation that says how much GPU memory a pod needs.
pub(crate) const MEMORY: &str = "tollgate.dev/gpu-memory";

/// The annotation that says which MIG profile a pod needs.
pub(crate) const PROFILE: &str = "tollgate.dev/mig-profile";

/// A part of a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// At least so much memory, counted in gibibytes as profiles count theirs.
    Memory { gib: u16, written: String },
    /// A profile of so many compute slices.
    Slices(u8),
    /// This profile.
    Profile(MigName),
}

/// How much a pod needs, and who says so.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(crate) size: Size,
    /// The annotation that says it; none for the setting.
    pub(crate) annotation: Option<&'static str>,
}

/// An annotation that cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) annotation: &'static str,
    pub(crate) written: String,
    pub(crate) why: String,
    pub(crate) form: &'static str,
}

const MEMORY_FORM: &str = "an amount of memory such as `10Gi`";
const PROFILE_FORM: &str = "a number of slices such as `1g`, or a profile such as `2g.20gb`";

impl Need {
    /// Reads what a pod says, else what the settings say of all.
    pub(crate) fn of(pod: &Pod, default: Option<&Size>) -> Result<Option<Self>, Unreadable> {
        let (memory, profile) = (pod.annotation(MEMORY), pod.annotation(PROFILE));
        let read = |annotation, form, written: &str, size: Result<Size, String>| {
            let unreadable = |why| Unreadable {
                annotation,
                written: written.to_owned(),
                why,
                form,
            };
            size.map(|size| {
                Some(Self {
                    size,
                    annotation: Some(annotation),
                })
            })
            .map_err(unreadable)
        };
        match (memory, profile) {
            (None, None) => Ok(default.map(|size| Self {
                size: size.clone(),
                annotation: None,
            })),
            (Some(memory), None) => read(MEMORY, MEMORY_FORM, &memory, Size::memory(&memory)),
            (None, Some(profile)) => read(PROFILE, PROFILE_FORM, &profile, Size::profile(&profile)),
            (Some(memory), Some(_)) => {
                let why = format!("the pod has the annotation `{PROFILE}` as well");
                read(MEMORY, "one of the two annotations", &memory, Err(why))
            }
        }
    }
}

impl Size {
    fn memory(written: &str) -> Result<Self, String> {
        let amount = Quantity::parse(written).map_err(|err| err.to_string())?;
        if amount < Quantity::MIB {
            return Err(format!("`{written}` is less than a mebibyte"));
        }
        // What exceeds every GPU is found to be too large wherever it is compared.
        let gib = amount
            .ceil_gib()
            .and_then(|gib| u16::try_from(gib).ok())
            .unwrap_or(u16::MAX);
        Ok(Self::Memory {
            gib,
            written: written.to_owned(),
        })
    }

    fn profile(written: &str) -> Result<Self, String> {
        if let Some(name) = MigName::from_profile(written) {
            return Ok(Self::Profile(name));
        }
        let slices = written
            .strip_suffix('g')
            .and_then(|slices| slices.parse().ok());
        slices
            .filter(|slices| (1..=7).contains(slices))
            .map(Self::Slices)
            .ok_or_else(|| format!("`{written}` is no MIG profile"))
    }

    /// Whether a profile is large enough, or the one that is meant.
    pub(crate) fn fits(&self, profile: &Profile) -> bool {
        let plain = profile.mig.suffix == MigSuffix::Plain;
        match self {
            Self::Memory { gib, .. } => plain && profile.mig.memory_gb >= *gib,
            Self::Slices(slices) => plain && profile.mig.slices == *slices,
            Self::Profile(name) => profile.mig == *name,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { written, .. } => write!(f, "{written} of GPU memory"),
            Self::Slices(slices) => write!(f, "the MIG profile {slices}g"),
            Self::Profile(name) => write!(f, "the MIG profile {}", name.profile()),
        }
    }
}

/// Reads the setting `gpuMemory`.
pub(crate) fn memory_setting<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Size>, D::Error> {
    setting(from, MEMORY_FORM, Size::memory)
}

/// Reads the setting `migProfile`.
pub(crate) fn profile_setting<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Size>, D::Error> {
    setting(from, PROFILE_FORM, Size::profile)
}

fn setting<'de, D: Deserializer<'de>>(
    from: D,
    form: &str,
    read: fn(&str) -> Result<Size, String>,
) -> Result<Option<Size>, D::Error> {
    let written = Option::<String>::deserialize(from)?;
    let size = written.map(|written| read(&written)).transpose();
    size.map_err(|why| de::Error::custom(format!("{why}; write {form}")))
}
