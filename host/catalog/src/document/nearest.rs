//! The name that was probably meant.

/// The longest name that another may be meant by, in bytes.
const LONGEST: usize = 100;

/// Returns the known name that is nearest to a misspelt one, where one is near enough.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    // A name is never so long, and comparing takes memory by the length of both.
    if name.len() > LONGEST {
        return None;
    }
    let most = 1 + name.chars().count() / 4;
    let typed = name.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&typed, &known.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= most && *distance < known.chars().count())
        .min()
        .map(|(_, known)| known)
}

/// Returns `; did you mean …?`, or nothing where no name is near.
pub(crate) fn did_you_mean<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(name, known)
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// Returns names as a list in words.
pub(crate) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest};

    #[test]
    fn finds_the_name_that_was_meant() {
        let known = ["settings", "mode", "match", "module"];
        assert_eq!(nearest("setings", known), Some("settings"));
        assert_eq!(nearest("Mode", known), Some("mode"));
        assert_eq!(nearest("moduel", known), Some("module"));
        assert_eq!(nearest("namespace", ["name"]), None);
        assert_eq!(nearest("x", ["y", "ab"]), None);
        assert_eq!(nearest(&"m".repeat(1 << 20), known), None);
        assert_eq!(did_you_mean("mtach", known), "; did you mean `match`?");
        assert_eq!(did_you_mean("colour", known), "");
    }
}
