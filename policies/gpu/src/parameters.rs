//! How large a model is, by its name.
//!
//! Source: the names of models on Hugging Face, where a word such as `70B` or `8x7B` is the number of parameters in
//! billions; of a mixture's two numbers (`30B-A3B`) the first counts them all.

/// The parameters that a model's name states, in tenths of a billion; nothing where it states none.
///
/// ```
/// use tollgate_gpu::parameters;
///
/// assert_eq!(parameters("meta-llama/Llama-3.1-70B-Instruct"), Some(700));
/// assert_eq!(parameters("mistralai/Mixtral-8x7B-v0.1"), Some(560));
/// assert_eq!(parameters("openai/whisper-large-v3"), None);
/// ```
#[must_use]
pub fn parameters(model: &str) -> Option<u32> {
    let words = model.split(['-', '_', '/', ':', ' ']);
    words.filter_map(of_word).next()
}

fn of_word(word: &str) -> Option<u32> {
    let number = word.strip_suffix(['b', 'B'])?;
    match number.split_once(['x', 'X']) {
        Some((experts, each)) => tenths(each)?.checked_mul(experts.parse().ok()?),
        None => tenths(number),
    }
}

/// `7`, `1.5`, `0.6`.
fn tenths(number: &str) -> Option<u32> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let first = fraction.get(..1)?.parse::<u32>().ok()?;
    whole
        .parse::<u32>()
        .ok()?
        .checked_mul(10)?
        .checked_add(first)
}

#[cfg(test)]
mod tests {
    use super::parameters;

    #[test]
    fn reads_the_sizes_of_names() {
        for (name, expected) in [
            ("Qwen/Qwen3-0.6B", Some(6)),
            ("Qwen/Qwen2.5-1.5B-Instruct", Some(15)),
            ("Qwen/Qwen3-30B-A3B", Some(300)),
            ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", Some(700)),
            ("llama3.1:405b", Some(4050)),
            ("deepseek-ai/DeepSeek-V3", None),
            ("BAAI/bge-base-en", None),
            ("B", None),
            ("99999999999B", None),
        ] {
            assert_eq!(parameters(name), expected, "{name}");
        }
    }
}
