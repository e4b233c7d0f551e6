//! Names of MIG devices.
//!
//! NVIDIA's device plugin names a MIG device `nvidia.com/mig-` + profile with every `+` turned
//! into `.` (k8s-device-plugin, `internal/rm`); time-slicing may append `.shared`. The grammar is
//! `^nvidia\.com/mig-[1-7]g\.[0-9]+gb((\.me(\.all)?)|(\.gfx)|(-me))?(\.shared)?$`, without leading
//! zeros.

use std::fmt;

/// A MIG profile, or the resource that stands for it.
///
/// ```
/// use tollgate_gpu::MigName;
///
/// let name = MigName::from_resource("nvidia.com/mig-1g.10gb.me.shared").expect("a MIG name");
/// assert_eq!(name.profile(), "1g.10gb+me");
/// assert_eq!(name.to_string(), "nvidia.com/mig-1g.10gb.me.shared");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct MigName {
    /// Compute slices of the GPU, 1 to 7: the number before `g`.
    pub slices: u8,
    /// Nominal memory in gigabytes, as the name says: the number before `gb`.
    pub memory_gb: u16,
    /// What the profile has besides compute and memory.
    pub suffix: MigSuffix,
    /// Whether this is one of several shares of the device; never part of the profile.
    pub shared: bool,
}

/// The media engines or graphics of a MIG profile.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MigSuffix {
    /// The profile's usual engines.
    Plain,
    /// `+me`: media engines.
    Media,
    /// `+me.all`: all media engines.
    AllMedia,
    /// `+gfx`: graphics.
    Graphics,
    /// `-me`: no media engines.
    NoMedia,
}

const RESOURCE: &str = "nvidia.com/mig-";

impl MigName {
    /// Reads a resource name such as `nvidia.com/mig-3g.40gb`.
    #[must_use]
    pub fn from_resource(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(RESOURCE)?;
        let (device, shared) = match rest.strip_suffix(".shared") {
            Some(device) => (device, true),
            None => (rest, false),
        };
        Some(Self {
            shared,
            ..parse(device, MigSuffix::in_resource)?
        })
    }

    /// Reads a profile such as `3g.40gb`, `1g.10gb+me`, or `1g.10gb.me` as node labels write it.
    #[must_use]
    pub fn from_profile(profile: &str) -> Option<Self> {
        parse(profile, MigSuffix::in_profile).or_else(|| parse(profile, MigSuffix::in_resource))
    }

    /// The profile as NVIDIA writes it, such as `1g.10gb+me`.
    #[must_use]
    pub fn profile(&self) -> String {
        format!(
            "{}g.{}gb{}",
            self.slices,
            self.memory_gb,
            self.suffix.in_profile()
        )
    }

    /// The resource name, such as `nvidia.com/mig-1g.10gb.me`.
    #[must_use]
    pub fn resource(&self) -> String {
        self.to_string()
    }

    /// The same device, not shared.
    #[must_use]
    pub const fn unshared(self) -> Self {
        Self {
            shared: false,
            ..self
        }
    }
}

impl fmt::Display for MigName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = self.suffix.in_resource();
        let shared = if self.shared { ".shared" } else { "" };
        write!(
            f,
            "{RESOURCE}{}g.{}gb{suffix}{shared}",
            self.slices, self.memory_gb
        )
    }
}

impl MigSuffix {
    const ALL: [Self; 5] = [
        Self::Plain,
        Self::Media,
        Self::AllMedia,
        Self::Graphics,
        Self::NoMedia,
    ];

    const fn in_profile(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Media => "+me",
            Self::AllMedia => "+me.all",
            Self::Graphics => "+gfx",
            Self::NoMedia => "-me",
        }
    }

    const fn in_resource(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Media => ".me",
            Self::AllMedia => ".me.all",
            Self::Graphics => ".gfx",
            Self::NoMedia => "-me",
        }
    }
}

fn parse(text: &str, written: fn(MigSuffix) -> &'static str) -> Option<MigName> {
    let (slices, rest) = text.split_once("g.")?;
    let (memory, suffix) = rest.split_once("gb")?;
    Some(MigName {
        slices: number(slices)
            .filter(|slices| (1..=7).contains(slices))?
            .try_into()
            .ok()?,
        memory_gb: number(memory)?,
        suffix: MigSuffix::ALL
            .into_iter()
            .find(|known| written(*known) == suffix)?,
        shared: false,
    })
}

/// Digits only, without leading zeros, so that a name has one spelling.
fn number(text: &str) -> Option<u16> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MigName, MigSuffix};

    #[test]
    fn reads_every_form_that_the_device_plugin_writes() {
        for (resource, profile) in [
            ("nvidia.com/mig-1g.5gb", "1g.5gb"),
            ("nvidia.com/mig-1g.10gb.me", "1g.10gb+me"),
            ("nvidia.com/mig-1g.24gb.me.all", "1g.24gb+me.all"),
            ("nvidia.com/mig-1g.24gb.gfx", "1g.24gb+gfx"),
            ("nvidia.com/mig-1g.24gb-me", "1g.24gb-me"),
            ("nvidia.com/mig-7g.141gb", "7g.141gb"),
            ("nvidia.com/mig-1g.0gb", "1g.0gb"),
        ] {
            let name = MigName::from_resource(resource).unwrap();
            assert_eq!(name.profile(), profile);
            assert_eq!(name.resource(), resource);
            assert_eq!(MigName::from_profile(profile), Some(name));
        }
    }

    #[test]
    fn a_share_is_not_part_of_the_profile() {
        let shared = MigName::from_resource("nvidia.com/mig-2g.20gb.shared").unwrap();
        assert!(shared.shared);
        assert_eq!(shared.profile(), "2g.20gb");
        assert_eq!(shared.unshared().resource(), "nvidia.com/mig-2g.20gb");
    }

    #[test]
    fn refuses_what_the_device_plugin_never_writes() {
        for name in [
            "nvidia.com/mig1g.5gb",
            "nvidia.com/mig-0g.5gb",
            "nvidia.com/mig-8g.80gb",
            "nvidia.com/mig-1g.5",
            "nvidia.com/mig-1g.gb",
            "nvidia.com/mig-01g.5gb",
            "nvidia.com/mig-1g.05gb",
            "nvidia.com/mig-1g.+5gb",
            "nvidia.com/mig-1g.10gb+me",
            "nvidia.com/mig-1g.10gb.shared.me",
            "nvidia.com/mig-1g.10gb.me.none",
            "nvidia.com/mig-1g.99999999gb",
            "amd.com/mig-1g.5gb",
            "nvidia.com/mig-",
        ] {
            assert_eq!(MigName::from_resource(name), None, "{name}");
        }
    }

    fn names() -> impl Strategy<Value = MigName> {
        (
            1_u8..=7,
            any::<u16>(),
            0..MigSuffix::ALL.len(),
            any::<bool>(),
        )
            .prop_map(|(slices, memory_gb, suffix, shared)| MigName {
                slices,
                memory_gb,
                suffix: MigSuffix::ALL[suffix],
                shared,
            })
    }

    proptest! {
        #[test]
        fn a_resource_name_that_is_written_is_read_back(name in names()) {
            prop_assert_eq!(MigName::from_resource(&name.resource()), Some(name));
        }

        #[test]
        fn a_profile_that_is_written_is_read_back(name in names()) {
            prop_assert_eq!(MigName::from_profile(&name.profile()), Some(name.unshared()));
        }

        #[test]
        fn a_name_that_is_read_has_one_spelling(
            rest in "[0-9]{1,2}g\\.[0-9]{1,4}gb(\\.me|\\.gfx|-me)?(\\.shared)?",
        ) {
            let text = format!("nvidia.com/mig-{rest}");
            if let Some(name) = MigName::from_resource(&text) {
                prop_assert_eq!(name.resource(), text);
            }
        }
    }
}
