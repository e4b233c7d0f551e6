//! Processor architectures: of the machines that models sit in, and of images by the words of their names.
//!
//! Sources: NVIDIA's Grace superchips (GH200, GB200, GB300) and AWS's G5g (T4G with Graviton2) have Arm processors;
//! every other model that is known is sold in x86 machines. Image tags as registries' build tools write them.

use crate::model::Model;

/// The instruction set of a processor.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// Arm, 64 bits.
    Arm64,
}

use Architecture::{Amd64, Arm64};

/// Models whose machines have Arm processors.
static ON_ARM: [&str; 5] = ["GH200-96GB", "GH200-144GB", "GB200", "GB300", "T4G"];

/// Words of image names and tags.
static WORDS: [(&str, Architecture); 6] = [
    ("amd64", Amd64),
    ("x86_64", Amd64),
    ("x86", Amd64),
    ("arm64", Arm64),
    ("aarch64", Arm64),
    ("sbsa", Arm64),
];

impl Architecture {
    /// The word for it in the label `kubernetes.io/arch`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Amd64 => "amd64",
            Arm64 => "arm64",
        }
    }

    /// The architecture that a value of `kubernetes.io/arch` names.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        [Amd64, Arm64]
            .into_iter()
            .find(|known| known.as_str() == value)
    }

    /// The architecture of the machines that a model sits in.
    #[must_use]
    pub fn of_model(model: &Model) -> Self {
        if ON_ARM.contains(&model.id) {
            Arm64
        } else {
            Amd64
        }
    }

    /// The architecture that an image's name or tag says, where it says one: most say none, and have several.
    ///
    /// ```
    /// use tollgate_gpu::Architecture;
    ///
    /// assert_eq!(Architecture::of_image("registry.example/trainer:1.4-amd64"), Some(Architecture::Amd64));
    /// assert_eq!(Architecture::of_image("vllm/vllm-openai:v0.11.0"), None);
    /// ```
    #[must_use]
    pub fn of_image(image: &str) -> Option<Self> {
        let name = image.split('@').next().unwrap_or(image);
        let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let mut said = words.by_ref().filter_map(|word| {
            let row = WORDS
                .iter()
                .find(|(known, _)| word.eq_ignore_ascii_case(known));
            row.map(|(_, architecture)| *architecture)
        });
        let first = said.next()?;
        said.all(|other| other == first).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::{Architecture, ON_ARM};
    use crate::Model;

    #[test]
    fn every_model_on_arm_is_known() {
        for id in ON_ARM {
            let model = Model::parse(id).unwrap();
            assert_eq!(Architecture::of_model(model), Architecture::Arm64);
        }
        let other = Model::parse("H100-80GB").unwrap();
        assert_eq!(Architecture::of_model(other), Architecture::Amd64);
    }

    #[test]
    fn images_say_their_architecture_by_a_whole_word() {
        for (image, expected) in [
            ("example.com/amd64/trainer:1", Some(Architecture::Amd64)),
            ("trainer:1-x86_64", Some(Architecture::Amd64)),
            ("trainer-aarch64:1", Some(Architecture::Arm64)),
            ("trainer:amd64-arm64", None),
            ("trainer:notamd64", None),
            ("trainer@sha256:amd64", None),
            ("", None),
        ] {
            assert_eq!(Architecture::of_image(image), expected, "{image}");
        }
    }
}
