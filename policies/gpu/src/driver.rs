//! Which CUDA a driver runs.
//!
//! Source: NVIDIA's CUDA compatibility guide. Within a major release of CUDA a driver of that release runs every
//! minor one (minor version compatibility); a newer major one needs a newer driver, or the compatibility package,
//! which only data centre GPUs take.

/// The first driver branch for each major release of CUDA, newest first.
static BRANCHES: [(u32, u32); 4] = [(13, 580), (12, 525), (11, 450), (10, 410)];

/// The newest major release of CUDA that a driver branch, such as `535`, runs; nothing for branches before the table.
///
/// ```
/// assert_eq!(tollgate_gpu::cuda_of_driver(535), Some(12));
/// ```
#[must_use]
pub fn cuda_of_driver(branch: u32) -> Option<u32> {
    let row = BRANCHES.iter().find(|(_, first)| branch >= *first);
    row.map(|(cuda, _)| *cuda)
}

/// The first driver branch that runs a major release of CUDA; nothing where it is not known.
#[must_use]
pub fn driver_for_cuda(major: u32) -> Option<u32> {
    let row = BRANCHES.iter().find(|(cuda, _)| *cuda == major);
    row.map(|(_, first)| *first)
}

/// The major release of CUDA that an image is built on, by its name and tag: `nvidia/cuda:13.0.2-base`, `…-cuda12.4`,
/// `…:2.8-cu128`.
#[must_use]
pub fn cuda_of_image(image: &str) -> Option<u32> {
    let image = image.split('@').next().unwrap_or(image);
    let base = image
        .rsplit_once(':')
        .filter(|(name, _)| *name == "nvidia/cuda" || name.ends_with("/nvidia/cuda"));
    if let Some((_, tag)) = base {
        return leading(tag);
    }
    let mut words = image.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.find_map(|word| {
        let by_name = word.strip_prefix("cuda").and_then(leading);
        by_name.or_else(|| word.strip_prefix("cu").and_then(short))
    })
}

/// A number of one or two digits at the beginning.
fn leading(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.get(..digits)?
        .parse()
        .ok()
        .filter(|major| (8..=20).contains(major))
}

/// `cu128` for 12.8, `cu118` for 11.8.
fn short(digits: &str) -> Option<u32> {
    let is_short = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_short
        .then(|| digits.get(..2).and_then(leading))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{BRANCHES, cuda_of_driver, cuda_of_image, driver_for_cuda};

    #[test]
    fn drivers_run_the_cuda_of_their_time_and_older() {
        for (branch, cuda) in [
            (580, 13),
            (590, 13),
            (570, 12),
            (535, 12),
            (525, 12),
            (470, 11),
        ] {
            assert_eq!(cuda_of_driver(branch), Some(cuda), "{branch}");
        }
        assert_eq!(cuda_of_driver(390), None);
        for (cuda, branch) in BRANCHES {
            assert_eq!(driver_for_cuda(cuda), Some(branch));
        }
    }

    #[test]
    fn images_name_their_cuda_in_several_ways() {
        for (image, cuda) in [
            ("nvidia/cuda:13.0.2-base-ubi8", Some(13)),
            ("nvcr.io/nvidia/cuda:12.9.0-devel-ubuntu24.04", Some(12)),
            (
                "nvcr.io/nvidia/k8s/cuda-sample:vectoradd-cuda11.7.1",
                Some(11),
            ),
            ("pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime", Some(12)),
            ("lmsysorg/sglang:v0.5.3-cu126", Some(12)),
            ("vllm/vllm-openai:v0.11.0", None),
            ("registry.example:5000/cuda-tools:13", None),
            ("registry.example/cucumber:9", None),
        ] {
            assert_eq!(cuda_of_image(image), cuda, "{image}");
        }
    }
}
