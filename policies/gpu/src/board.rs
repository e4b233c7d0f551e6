//! What each GPU model can be cut into.
//!
//! Source of the tables: NVIDIA MIG User Guide ("Supported MIG Profiles"), NVIDIA/mig-parted
//! `deployments/systemd/config-default.yaml`, and the placements in NVIDIA/go-nvml mocks and
//! NVIDIA/k8s-test-infra.

use crate::{
    mig::{MigName, MigSuffix},
    model::Model,
    weight::WHOLE,
};

/// The profiles of one kind of GPU.
#[derive(Debug, Eq, PartialEq)]
pub struct Board {
    /// How many compute slices a whole GPU has.
    pub compute_slices: u8,
    /// How many memory slices a whole GPU has.
    pub memory_slices: u8,
    /// What the current firmware and guide name, smallest compute first.
    pub profiles: &'static [Profile],
    /// Names that other firmware or an older guide gives the same GPU: such a request may be
    /// right, so it is not refused, but these are never proposed.
    pub also: &'static [Profile],
}

/// One way to cut a GPU.
#[derive(Debug, Eq, PartialEq)]
pub struct Profile {
    /// Its name; compute slices and nominal gigabytes are part of it.
    pub mig: MigName,
    /// How many of the GPU's memory slices it takes.
    pub memory_slices: u8,
    /// How many fit on one GPU when nothing else does.
    pub max_per_gpu: u8,
    /// Its share of the GPU in 56ths: the larger of its shares of compute and of memory.
    pub weight_56ths: u32,
}

const SEVEN: Board = Board {
    compute_slices: 7,
    memory_slices: 8,
    profiles: &[],
    also: &[],
};
const FOUR: Board = Board {
    compute_slices: 4,
    memory_slices: 4,
    profiles: &[],
    also: &[],
};
const TWO: Board = Board {
    compute_slices: 2,
    memory_slices: 2,
    profiles: &[],
    also: &[],
};

/// The profiles of seven compute and eight memory slices. The numbers are the nominal gigabytes of
/// 1g small, 1g double, 2g, 3g, 4g and 7g.
const fn seven([small, double, two, three, four, whole]: [u16; 6]) -> [Profile; 7] {
    [
        of_seven::<1>(small, 1, 7),
        Profile {
            mig: mig(1, small, MigSuffix::Media),
            ..of_seven::<1>(small, 1, 1)
        },
        of_seven::<1>(double, 2, 4),
        of_seven::<2>(two, 2, 3),
        of_seven::<3>(three, 4, 2),
        of_seven::<4>(four, 4, 1),
        of_seven::<7>(whole, 8, 1),
    ]
}

const fn of_seven<const SLICES: u8>(memory_gb: u16, memory_slices: u8, max_per_gpu: u8) -> Profile {
    let compute = SLICES as u32 * (WHOLE / 7);
    let memory = memory_slices as u32 * (WHOLE / 8);
    Profile {
        mig: mig(SLICES, memory_gb, MigSuffix::Plain),
        memory_slices,
        max_per_gpu,
        weight_56ths: if compute > memory { compute } else { memory },
    }
}

/// Boards whose compute and memory are cut into the same number of parts.
const fn even<const PARTS: u32>(
    slices: u8,
    memory_gb: u16,
    suffix: MigSuffix,
    max_per_gpu: u8,
) -> Profile {
    Profile {
        mig: mig(slices, memory_gb, suffix),
        memory_slices: slices,
        max_per_gpu,
        weight_56ths: slices as u32 * WHOLE / PARTS,
    }
}

const fn mig(slices: u8, memory_gb: u16, suffix: MigSuffix) -> MigName {
    MigName {
        slices,
        memory_gb,
        suffix,
        shared: false,
    }
}

pub(crate) static A100_40: Board = Board {
    profiles: &seven([5, 10, 10, 20, 20, 40]),
    ..SEVEN
};
/// A100, A800, H100 and H800 of 80 GB, PCIe and SXM.
pub(crate) static SEVEN_80: Board = Board {
    profiles: &seven([10, 20, 20, 40, 40, 80]),
    ..SEVEN
};
/// H100 NVL and H800 NVL.
pub(crate) static SEVEN_94: Board = Board {
    profiles: &seven([12, 24, 24, 47, 47, 94]),
    ..SEVEN
};
/// H100 96 GB, GH200 96 GB, H20.
pub(crate) static SEVEN_96: Board = Board {
    profiles: &seven([12, 24, 24, 48, 48, 96]),
    ..SEVEN
};
/// H200 and H200 NVL.
pub(crate) static H200: Board = Board {
    profiles: &seven([18, 35, 35, 71, 71, 141]),
    ..SEVEN
};
pub(crate) static GH200_144: Board = Board {
    profiles: &seven([18, 36, 36, 72, 72, 144]),
    ..SEVEN
};
pub(crate) static B200: Board = Board {
    profiles: &seven([23, 45, 45, 90, 90, 180]),
    ..SEVEN
};
/// The other firmware counts 189 GB; mig-parted writes it as `1g.24gb`, `3g.95gb` and so on.
pub(crate) static GB200: Board = Board {
    profiles: &seven([23, 47, 47, 93, 93, 186]),
    also: &seven([24, 47, 47, 95, 95, 189]),
    ..SEVEN
};
/// Placements not seen in a capture: the shape follows the other seven-slice boards.
pub(crate) static B300: Board = Board {
    profiles: &seven([34, 67, 67, 135, 135, 269]),
    ..SEVEN
};
/// As B300.
pub(crate) static GB300: Board = Board {
    profiles: &seven([35, 70, 70, 139, 139, 278]),
    ..SEVEN
};

pub(crate) static A30: Board = Board {
    profiles: &[
        even::<4>(1, 6, MigSuffix::Plain, 4),
        even::<4>(1, 6, MigSuffix::Media, 1),
        even::<4>(2, 12, MigSuffix::Plain, 2),
        even::<4>(2, 12, MigSuffix::Media, 1),
        even::<4>(4, 24, MigSuffix::Plain, 1),
    ],
    ..FOUR
};

pub(crate) static RTX_PRO_6000: Board = Board {
    profiles: &[
        even::<4>(1, 24, MigSuffix::Plain, 4),
        even::<4>(1, 24, MigSuffix::Media, 1),
        even::<4>(1, 24, MigSuffix::Graphics, 4),
        even::<4>(1, 24, MigSuffix::AllMedia, 1),
        even::<4>(1, 24, MigSuffix::NoMedia, 4),
        even::<4>(2, 48, MigSuffix::Plain, 2),
        even::<4>(2, 48, MigSuffix::Graphics, 2),
        even::<4>(2, 48, MigSuffix::AllMedia, 1),
        even::<4>(2, 48, MigSuffix::NoMedia, 2),
        even::<4>(4, 96, MigSuffix::Plain, 1),
        even::<4>(4, 96, MigSuffix::Graphics, 1),
    ],
    ..FOUR
};

/// The editions of the guide disagree: two slices in the newer, four in the older.
pub(crate) static RTX_PRO_5000: Board = Board {
    profiles: &[
        even::<2>(1, 24, MigSuffix::Plain, 2),
        even::<2>(2, 48, MigSuffix::Plain, 1),
    ],
    also: &[
        even::<4>(1, 12, MigSuffix::Plain, 4),
        even::<4>(4, 48, MigSuffix::Plain, 1),
    ],
    ..TWO
};

pub(crate) static RTX_PRO_4500: Board = Board {
    profiles: &[
        even::<2>(1, 16, MigSuffix::Plain, 2),
        even::<2>(2, 32, MigSuffix::Plain, 1),
    ],
    ..TWO
};

impl Board {
    /// The profile of this name, sharing aside, also where only other firmware calls it so.
    #[must_use]
    pub fn find(&self, name: MigName) -> Option<&'static Profile> {
        self.profiles
            .iter()
            .chain(self.also)
            .find(|profile| profile.mig == name.unshared())
    }
}

/// What a model can be cut into; empty where it has no MIG.
#[must_use]
pub fn profiles(model: &Model) -> &'static [Profile] {
    model.board.map_or(&[], |board| board.profiles)
}

/// Whether a model can be cut into devices of this name.
#[must_use]
pub fn offers(model: &Model, name: MigName) -> bool {
    model.board.is_some_and(|board| board.find(name).is_some())
}

/// The smallest plain profile whose name says at least `wanted_gb`, by weight, then by memory.
///
/// Names count nominal gigabytes, which are what people mean by 20Gi too: the real size of a
/// `1g.20gb` is somewhat below both 20 GB and 20 GiB (an H100's `1g.10gb` has 9,984 MiB). So
/// numbers are compared as they are written, and 20 finds `1g.20gb` on an 80 GB A100 and
/// `3g.20gb` on a 40 GB one. Profiles with `+me`, `+gfx` and the like are never chosen.
#[must_use]
pub fn smallest_for(model: &Model, wanted_gb: u16) -> Option<&'static Profile> {
    smallest(model, |mig| mig.memory_gb >= wanted_gb)
}

/// The profile that a person means: by its name (`1g.10gb`, `1g.10gb+me`, also `1g.10gb.me`), or
/// the smallest plain one of a number of slices (`1g`).
#[must_use]
pub fn for_profile(model: &Model, written: &str) -> Option<&'static Profile> {
    if let Some(name) = MigName::from_profile(written) {
        return model.board?.find(name);
    }
    let slices: u8 = written.strip_suffix('g')?.parse().ok()?;
    smallest(model, |mig| mig.slices == slices)
}

fn smallest(model: &Model, fits: impl Fn(&MigName) -> bool) -> Option<&'static Profile> {
    profiles(model)
        .iter()
        .filter(|profile| profile.mig.suffix == MigSuffix::Plain && fits(&profile.mig))
        .min_by_key(|profile| (profile.weight_56ths, profile.mig.memory_gb))
}

#[cfg(test)]
mod tests {
    use super::{for_profile, offers, profiles, smallest_for};
    use crate::{
        mig::MigName,
        model::{MODELS, Model},
    };

    fn model(id: &str) -> &'static Model {
        Model::parse(id).unwrap()
    }

    fn smallest(id: &str, gb: u16) -> Option<String> {
        smallest_for(model(id), gb).map(|profile| profile.mig.profile())
    }

    fn profile(id: &str, written: &str) -> Option<String> {
        for_profile(model(id), written).map(|profile| profile.mig.profile())
    }

    #[test]
    fn lists_the_profiles_of_an_a100_with_their_weights() {
        let listed: Vec<_> = profiles(model("A100-40GB"))
            .iter()
            .map(|row| (row.mig.profile(), row.weight_56ths, row.max_per_gpu))
            .collect();
        let expected = [
            ("1g.5gb", 8, 7),
            ("1g.5gb+me", 8, 1),
            ("1g.10gb", 14, 4),
            ("2g.10gb", 16, 3),
            ("3g.20gb", 28, 2),
            ("4g.20gb", 32, 1),
            ("7g.40gb", 56, 1),
        ];
        assert_eq!(
            listed,
            expected.map(|(name, weight, max)| (name.to_owned(), weight, max))
        );
    }

    #[test]
    fn weighs_quarters_and_halves_on_boards_of_four_and_two() {
        let weights = |id| {
            profiles(model(id))
                .iter()
                .map(|row| row.weight_56ths)
                .collect::<Vec<_>>()
        };
        assert_eq!(weights("A30"), [14, 14, 28, 28, 56]);
        assert_eq!(weights("RTX-PRO-4500"), [28, 56]);
    }

    #[test]
    fn no_profile_exceeds_its_gpu() {
        for model in MODELS {
            for profile in profiles(model) {
                assert!(
                    u32::from(profile.mig.memory_gb) <= model.memory_gib,
                    "{}",
                    model.id
                );
                assert!((1..=56).contains(&profile.weight_56ths), "{}", model.id);
                assert!(
                    profile.memory_slices * profile.max_per_gpu <= 8,
                    "{}",
                    model.id
                );
            }
        }
    }

    #[test]
    fn a_weight_is_the_larger_share_of_compute_and_memory() {
        for board in MODELS.iter().filter_map(|model| model.board) {
            for row in board.profiles {
                let compute = u32::from(row.mig.slices) * 56 / u32::from(board.compute_slices);
                let memory = u32::from(row.memory_slices) * 56 / u32::from(board.memory_slices);
                assert_eq!(row.weight_56ths, compute.max(memory), "{}", row.mig);
            }
        }
    }

    #[test]
    fn finds_the_smallest_slice_by_nominal_size() {
        assert_eq!(smallest("A100-80GB", 20).as_deref(), Some("1g.20gb"));
        assert_eq!(smallest("A100-40GB", 20).as_deref(), Some("3g.20gb"));
        assert_eq!(smallest("A100-40GB", 10).as_deref(), Some("1g.10gb"));
        assert_eq!(smallest("A100-40GB", 1).as_deref(), Some("1g.5gb"));
        assert_eq!(smallest("A100-40GB", 21).as_deref(), Some("7g.40gb"));
        assert_eq!(smallest("A100-40GB", 41), None);
        assert_eq!(smallest("GB200", 94).as_deref(), Some("7g.186gb"));
        assert_eq!(smallest("L4", 1), None);
    }

    #[test]
    fn understands_slices_and_names() {
        assert_eq!(profile("A100-40GB", "1g").as_deref(), Some("1g.5gb"));
        assert_eq!(profile("H100-NVL", "3g").as_deref(), Some("3g.47gb"));
        assert_eq!(profile("A30", "4g").as_deref(), Some("4g.24gb"));
        assert_eq!(profile("H100-80GB", "1g.10gb").as_deref(), Some("1g.10gb"));
        assert_eq!(
            profile("H100-80GB", "1g.10gb+me").as_deref(),
            Some("1g.10gb+me")
        );
        assert_eq!(
            profile("H100-80GB", "1g.10gb.me").as_deref(),
            Some("1g.10gb+me")
        );
        assert_eq!(profile("H100-80GB", "1g.5gb"), None);
        assert_eq!(profile("H100-80GB", "5g"), None);
        assert_eq!(profile("H100-80GB", "all"), None);
        assert_eq!(profile("T4", "1g"), None);
    }

    #[test]
    fn offers_what_the_board_has_shared_or_not_and_nothing_else() {
        let offered = |id, name| offers(model(id), MigName::from_resource(name).unwrap());
        assert!(offered("A100-40GB", "nvidia.com/mig-1g.10gb"));
        assert!(offered("A100-40GB", "nvidia.com/mig-1g.10gb.shared"));
        assert!(!offered("A100-40GB", "nvidia.com/mig-1g.20gb"));
        assert!(!offered("L40S", "nvidia.com/mig-1g.10gb"));
        assert!(offered("GB200", "nvidia.com/mig-3g.95gb"));
        assert!(offered("RTX-PRO-5000", "nvidia.com/mig-4g.48gb"));
    }
}
