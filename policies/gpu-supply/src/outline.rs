//! The outline of a text in YAML's block style: keys, their values on the same line, and what is indented below them.
//!
//! Enough to find fields of a configuration in a config map, not to read YAML; what is written in flow style is not seen.

/// A line that has a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Line<'a> {
    indent: usize,
    pub(crate) key: &'a str,
    pub(crate) value: &'a str,
}

/// The lines of a text that have a key, comments left out.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    text.lines().filter_map(read).collect()
}

/// The lines below the first one of a key; `None` where there is none.
pub(crate) fn section<'l, 'a>(lines: &'l [Line<'a>], key: &str) -> Option<&'l [Line<'a>]> {
    let at = lines.iter().position(|line| line.key == key)?;
    let (line, rest) = lines.get(at..)?.split_first()?;
    let end = rest.iter().position(|other| other.indent <= line.indent);
    rest.get(..end.unwrap_or(rest.len()))
}

fn read(line: &str) -> Option<Line<'_>> {
    let text = line.split(" #").next()?.trim_end();
    // An item of a list is as deep as what follows its dash.
    let body = text.trim_start_matches([' ', '-']);
    let (key, value) = body.split_once(':')?;
    let is_key = !key.is_empty() && !key.starts_with('#') && !key.contains(' ');
    let is_value = value.is_empty() || value.starts_with(' ');
    (is_key && is_value).then(|| Line {
        indent: text.len() - body.len(),
        key,
        value: value.trim().trim_matches(['"', '\'']),
    })
}

#[cfg(test)]
mod tests {
    use super::{lines, section};

    const TEXT: &str = "version: v1 # of the format\n# a: comment\nsharing:\n  timeSlicing:\n    resources:\n    - name: nvidia.com/gpu\n      replicas: 4\nflags:\n  migStrategy: \"single\"\n";

    #[test]
    fn keys_have_values_and_what_is_below_them() {
        let all = lines(TEXT);
        let keys: Vec<_> = all.iter().map(|line| line.key).collect();
        assert_eq!(
            keys,
            [
                "version",
                "sharing",
                "timeSlicing",
                "resources",
                "name",
                "replicas",
                "flags",
                "migStrategy"
            ]
        );
        let slicing = section(&all, "timeSlicing").unwrap();
        assert_eq!(slicing.len(), 3);
        assert_eq!(slicing[2].value, "4");
        assert_eq!(section(&all, "flags").unwrap()[0].value, "single");
        assert_eq!(section(&all, "mps"), None);
        assert!(section(&lines("a:\nb:\n"), "a").unwrap().is_empty());
    }

    #[test]
    fn other_texts_have_no_keys() {
        for text in [
            "",
            ":",
            "- :",
            "{\"a\":1}",
            "http://a",
            "é: ü\u{0}",
            "a b: c",
        ] {
            let found = lines(text);
            assert!(
                found.iter().all(|line| line.key == "é"),
                "{text}: {found:?}"
            );
        }
    }
}
