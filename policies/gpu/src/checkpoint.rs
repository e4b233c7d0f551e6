//! How large language models are, read from their names and from how servers are told to load them.
//!
//! Sources: the names, model cards and configurations on Hugging Face; for data types and quantisation the arguments
//! of vLLM (`--dtype`, `--quantization`), SGLang and Text Generation Inference (`--quantize`).

/// A model as it lies on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Checkpoint {
    /// Parameters in all, experts included, in millions.
    pub millions: u32,
    /// Bits that a parameter takes as published; `None` where the name says a format of which that is not known.
    pub bits: Option<u32>,
}

/// Models whose names say no size or another than that of all parameters, in millions, with the bits of a parameter
/// as published. The first row whose words all occur, one behind the other, counts.
#[rustfmt::skip]
static NAMED: &[(&str, u32, u32)] = &[
    // Of a mixture of experts the name says the size of one expert, or what is active.
    ("mixtral-8x7b", 46_700, 16),
    ("mixtral-8x22b", 140_600, 16),
    ("llama-4-scout", 108_600, 16),
    ("llama-4-maverick", 400_700, 16),
    // Published in MXFP4.
    ("gpt-oss-20b", 20_900, 4),
    ("gpt-oss-120b", 116_800, 4),
];

/// The same for names that say no size; not for those that do, as `DeepSeek-R1-Distill-Qwen-7B` does.
#[rustfmt::skip]
static UNSIZED: &[(&str, u32, u32)] = &[
    ("deepseek-v2-lite", 15_700, 16),
    ("deepseek-v2-chat", 235_700, 16),
    // Published in FP8.
    ("deepseek-v3", 671_000, 8),
    ("deepseek-r1", 671_000, 8),
    ("kimi-k2", 1_000_000, 8),
    ("glm-4.5-air", 106_000, 16),
    ("glm-4.5", 355_000, 16),
    ("phi-3-mini", 3_800, 16),
    ("phi-3-medium", 14_000, 16),
    ("phi-4-mini", 3_800, 16),
    ("phi-4", 14_700, 16),
    ("mistral-nemo", 12_200, 16),
    ("mistral-large", 122_600, 16),
    ("command-r-plus", 103_800, 16),
    ("dbrx", 131_600, 16),
];

/// Words of names that say how many bits a parameter takes; the first that occurs counts.
static WORDS: &[(&str, Option<u32>)] = &[
    // llama.cpp's format comes in every size.
    ("gguf", None),
    ("int8", Some(8)),
    ("8bit", Some(8)),
    ("w8a8", Some(8)),
    ("w8a16", Some(8)),
    ("fp8", Some(8)),
    ("int4", Some(4)),
    ("4bit", Some(4)),
    ("w4a16", Some(4)),
    ("nvfp4", Some(4)),
    ("mxfp4", Some(4)),
    ("fp4", Some(4)),
    ("nf4", Some(4)),
    ("awq", Some(4)),
    ("gptq", Some(4)),
    ("bnb", Some(4)),
    ("exl2", None),
    ("exl3", None),
];

/// Values of the flags for data type and quantisation, and the bits that a parameter then takes. Where one method
/// has several, the fewest; where the checkpoint decides, none.
static FLAGS: &[(&str, Option<u32>)] = &[
    ("float32", Some(32)),
    ("float", Some(32)),
    ("bfloat16", Some(16)),
    ("float16", Some(16)),
    ("half", Some(16)),
    ("fp8", Some(8)),
    ("int8", Some(8)),
    ("w8a8_int8", Some(8)),
    ("w8a8_fp8", Some(8)),
    ("eetq", Some(8)),
    ("awq", Some(4)),
    ("awq_marlin", Some(4)),
    ("gptq", Some(4)),
    ("gptq_marlin", Some(4)),
    ("marlin", Some(4)),
    ("bitsandbytes", Some(4)),
    ("bitsandbytes-nf4", Some(4)),
    ("bitsandbytes-fp4", Some(4)),
    ("mxfp4", Some(4)),
    ("modelopt_fp4", Some(4)),
];

/// What a model takes unless its name says otherwise.
const USUAL_BITS: u32 = 16;

impl Checkpoint {
    /// Reads a model's name, or the path where it lies.
    ///
    /// ```
    /// use tollgate_gpu::Checkpoint;
    ///
    /// let model = Checkpoint::of_name("meta-llama/Llama-3.3-70B-Instruct").expect("a size");
    /// assert_eq!((model.millions, model.bits), (70_000, Some(16)));
    /// ```
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.trim_end_matches('/').rsplit('/').next()?;
        let name = name.to_ascii_lowercase();
        let listed = |rows: &[(&str, u32, u32)]| {
            let row = rows.iter().find(|(known, ..)| says(&name, known));
            row.map(|(_, millions, bits)| (*millions, *bits))
        };
        let said = || words(&name).find_map(billions);
        let (millions, usual) = listed(NAMED)
            .or_else(|| said().map(|millions| (millions, USUAL_BITS)))
            .or_else(|| listed(UNSIZED))?;
        let word = WORDS
            .iter()
            .find(|(known, _)| words(&name).any(|word| word == *known));
        Some(Self {
            millions,
            bits: word.map_or(Some(usual), |(_, bits)| *bits),
        })
    }

    /// What its parameters take in memory at so many bits each, in bytes.
    #[must_use]
    pub fn bytes(&self, bits: u32) -> u64 {
        u64::from(self.millions) * 1_000_000 * u64::from(bits) / 8
    }
}

/// The bits that a parameter takes by the value of a flag for data type or quantisation.
#[must_use]
pub fn bits_of_flag(value: &str) -> Option<u32> {
    FLAGS.iter().find(|(known, _)| *known == value)?.1
}

/// Whether the words of a known name occur in a name, one behind the other.
fn says(name: &str, known: &str) -> bool {
    name.match_indices(known).any(|(start, _)| {
        let before = name.get(..start).and_then(|before| before.chars().last());
        let after = name
            .get(start + known.len()..)
            .and_then(|after| after.chars().next());
        let ends =
            |letter: Option<char>| letter.is_none_or(|letter| !letter.is_ascii_alphanumeric());
        ends(before) && ends(after)
    })
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
}

/// `70b` and `1.5b`, in millions; not `a3b`, the active part of a mixture, and not the `8x7b` of its experts.
fn billions(word: &str) -> Option<u32> {
    let number = word.strip_suffix('b')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || part.len() > 3 {
        return None;
    }
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 2_000)?;
    let part: u32 = format!("{part:0<3}").parse().ok()?;
    Some(whole * 1_000 + part).filter(|millions| *millions > 0)
}

#[cfg(test)]
mod tests {
    use super::{Checkpoint, bits_of_flag};

    fn read(name: &str) -> Option<(u32, Option<u32>)> {
        Checkpoint::of_name(name).map(|model| (model.millions, model.bits))
    }

    #[test]
    fn reads_sizes_and_formats_from_names() {
        for (name, millions, bits) in [
            ("meta-llama/Llama-3.1-8B-Instruct", 8_000, 16),
            ("Qwen/Qwen2.5-1.5B-Instruct", 1_500, 16),
            ("Qwen/Qwen3-0.6B", 600, 16),
            ("/models/Qwen3-32B/", 32_000, 16),
            ("Qwen/Qwen3-30B-A3B", 30_000, 16),
            ("Qwen/Qwen3.5-397B-A17B-FP8", 397_000, 8),
            ("TheBloke/Llama-2-70B-AWQ", 70_000, 4),
            ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int8", 72_000, 8),
            ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", 72_000, 4),
            ("google/gemma-1.1-7b-it", 7_000, 16),
            ("mistralai/Mixtral-8x7B-Instruct-v0.1", 46_700, 16),
            ("deepseek-ai/DeepSeek-R1", 671_000, 8),
            ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", 32_000, 16),
            ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 108_600, 16),
            ("openai/gpt-oss-120b", 116_800, 4),
            ("microsoft/phi-4", 14_700, 16),
        ] {
            assert_eq!(read(name), Some((millions, Some(bits))), "{name}");
        }
    }

    #[test]
    fn says_nothing_of_names_without_a_size_or_with_an_unknown_format() {
        for name in [
            "facebook/opt",
            "m",
            "",
            "stable_diffusion",
            "some-8x3b",
            "gemma-3n-E4B-it",
            "$(MODEL)",
        ] {
            assert_eq!(read(name), None, "{name}");
        }
        assert_eq!(read("unsloth/Qwen3-32B-GGUF"), Some((32_000, None)));
    }

    #[test]
    fn weights_take_bits_times_parameters() {
        let model = Checkpoint::of_name("Llama-3.3-70B").unwrap();
        assert_eq!(model.bytes(16), 140_000_000_000);
        assert_eq!(model.bytes(4), 35_000_000_000);
    }

    #[test]
    fn reads_flags() {
        assert_eq!(bits_of_flag("float32"), Some(32));
        assert_eq!(bits_of_flag("awq"), Some(4));
        assert_eq!(bits_of_flag("auto"), None);
        assert_eq!(bits_of_flag("compressed-tensors"), None);
    }
}
