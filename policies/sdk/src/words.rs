//! The words of command lines, those of shell scripts included.

use crate::Container;

/// The words that a container is started with: its command and arguments, where a shell's `-c` is among them the
/// words of the script.
///
/// Quotes are dropped rather than honoured: enough to find flags, not to run anything.
#[derive(Clone, Debug, Default)]
pub struct Words(Vec<String>);

const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "zsh"];

impl Words {
    /// The words of a container.
    pub fn of(container: &Container) -> Self {
        let (command, args) = (container.command(), container.args());
        Self::split(command.iter().chain(args.iter()).cloned())
    }

    /// The words of a command line.
    ///
    /// ```
    /// use tollgate_sdk::Words;
    ///
    /// let words = Words::split(["bash", "-c", "exec vllm serve m \\\n  --tensor-parallel-size=2"].map(String::from));
    /// assert_eq!(words.number(&["--tensor-parallel-size", "-tp"]), Some(2));
    /// ```
    pub fn split(line: impl IntoIterator<Item = String>) -> Self {
        let mut words: Vec<String> = line.into_iter().collect();
        if let Some(start) = script_start(&words) {
            let scripts = words.split_off(start);
            words.extend(scripts.iter().flat_map(|script| script_words(script)));
        }
        Self(words)
    }

    /// The words in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The values of a flag by any of its names, in order: of `--flag value` and of `--flag=value`, an underscore as
    /// good as a dash. A flag at the very end has the empty value.
    pub fn values<'a>(&'a self, flags: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let next = self.iter().skip(1).chain([""]);
        let flagged = self
            .iter()
            .zip(next)
            .filter(|(word, _)| word.starts_with('-'));
        flagged.filter_map(|(word, next)| {
            let (flag, value) = word.split_once('=').unwrap_or((word, next));
            let is_wanted = flags.iter().any(|wanted| same(flag, wanted));
            is_wanted.then(|| value.trim_matches(QUOTES))
        })
    }

    /// The number that a flag is given, the last one where it is given several; `None` where that is not a literal
    /// number, as `$TP` and `$(TP)` are not.
    pub fn number(&self, flags: &[&str]) -> Option<u32> {
        self.values(flags).last()?.parse().ok()
    }
}

const QUOTES: [char; 2] = ['"', '\''];

fn same(flag: &str, wanted: &str) -> bool {
    let dashed = |letter: u8| if letter == b'_' { b'-' } else { letter };
    flag.len() == wanted.len() && flag.bytes().map(dashed).eq(wanted.bytes().map(dashed))
}

/// Where the words behind a shell's `-c` begin.
fn script_start(words: &[String]) -> Option<usize> {
    let is_shell = |word: &String| SHELLS.contains(&word.rsplit('/').next().unwrap_or(word));
    let shell = words.iter().position(is_shell)?;
    let takes_script = |word: &String| {
        word.strip_prefix('-')
            .is_some_and(|flags| !flags.starts_with('-') && flags.contains('c'))
    };
    let flag = words.iter().skip(shell).position(takes_script)?;
    Some(shell + flag + 1)
}

/// The words of a script, without comments, separators and the marks of continued lines.
fn script_words(script: &str) -> impl Iterator<Item = String> {
    script.lines().flat_map(|line| {
        line.split(|letter: char| letter.is_whitespace() || ";&|()".contains(letter))
            .take_while(|word| !word.starts_with('#'))
            .map(|word| word.trim_end_matches('\\').trim_matches(QUOTES))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::Words;

    const TP: [&str; 3] = ["--tensor-parallel-size", "-tp", "--tp"];

    fn tp(line: &[&str]) -> Option<u32> {
        Words::split(line.iter().map(|word| (*word).to_owned())).number(&TP)
    }

    #[test]
    fn reads_flags_with_a_space_or_an_equals_sign() {
        assert_eq!(
            tp(&["vllm", "serve", "--tensor-parallel-size", "2"]),
            Some(2)
        );
        assert_eq!(tp(&["vllm", "serve", "--tensor-parallel-size=4"]), Some(4));
        assert_eq!(
            tp(&["vllm", "serve", "--tensor_parallel_size", "4"]),
            Some(4)
        );
        assert_eq!(tp(&["vllm", "serve", "-tp", "8", "--port", "1"]), Some(8));
        assert_eq!(tp(&["--tp", "1", "--tp", "2"]), Some(2));
    }

    #[test]
    fn reads_the_scripts_of_shells() {
        for script in [
            "vllm serve m --tensor-parallel-size 16",
            "cd /; exec vllm serve m --tensor-parallel-size=16 && true",
            "vllm serve m \\\n  --port 1 \\\n  -tp 16\\\n  --x",
            "vllm serve m --tp '16' # --tp 3",
            "sh -c \"vllm serve m --tp 16\"",
            "(vllm serve m --tp \"16\"); sleep 1",
            "# --tp 3\nvllm serve m --tp=\"16\"",
        ] {
            assert_eq!(tp(&["/bin/bash", "-c", script]), Some(16), "{script}");
            assert_eq!(
                tp(&["tini", "--", "sh", "-lc", "--", script]),
                Some(16),
                "{script}"
            );
        }
    }

    #[test]
    fn splits_nothing_but_scripts() {
        assert_eq!(tp(&["server", "--template", "use --tp 2"]), None);
        assert_eq!(tp(&["bash", "/run.sh", "--tp", "2"]), Some(2));
        assert_eq!(tp(&["server", "--tensor-parallel-size 2"]), None);
    }

    #[test]
    fn says_nothing_of_what_is_not_a_literal_number() {
        for value in ["$TP", "$(TP)", "${TP:-2}", "auto", "-1", ""] {
            assert_eq!(tp(&["server", "--tp", value]), None, "{value}");
            let script = format!("server --tp {value}");
            assert_eq!(tp(&["sh", "-c", &script]), None, "{script}");
        }
        assert_eq!(tp(&["server", "--tp"]), None);
        assert_eq!(tp(&[]), None);
    }

    #[test]
    fn lists_words_and_every_value() {
        let words = Words::split(["a", "--tp=1", "--tp", "x"].map(String::from));
        assert_eq!(words.iter().count(), 4);
        assert_eq!(words.values(&TP).collect::<Vec<_>>(), ["1", "x"]);
    }
}
