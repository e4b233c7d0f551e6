//! What changes in an object as lines of YAML, below the keys that lead there.

use std::io::{self, Write};

use serde_json::Value;

use super::style::{ADDED, FAINT, REMOVED};
use super::tree::{Content, Edit, Node, State};
use crate::render::block::{self, Line};

/// A line of a difference.
struct Marked {
    sign: Sign,
    line: Line,
    /// The edit that begins here.
    edit: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// It leads to what changes.
    Around,
    Added,
    Removed,
}

/// What the lines around a value say of it.
#[derive(Clone, Copy)]
struct Around {
    sign: Sign,
    edit: Option<usize>,
    indent: usize,
}

/// Writes what changes, with the author of each edit beside its first line.
pub(super) fn write(root: &Node<'_>, edits: &[Edit<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Vec::new();
    if let Content::Mapping(nodes) | Content::List(nodes) = &root.content {
        let around = Around {
            sign: Sign::Around,
            edit: None,
            indent: 0,
        };
        nodes
            .iter()
            .for_each(|node| collect(node, around, &mut lines));
    }
    name_replacements_once(&mut lines, edits);
    lines.iter().try_for_each(|line| line.write(edits, out))
}

fn collect(node: &Node<'_>, around: Around, lines: &mut Vec<Marked>) {
    let Some((sign, edit)) = sign_of(node, around) else {
        return;
    };
    let first = lines.len();
    let here = Around {
        sign,
        edit,
        ..around
    };
    match (&node.content, &node.key) {
        (Content::Whole(_), _) if sign == Sign::Around => {}
        (Content::Whole(value), key) => lines.extend(whole(key.as_deref(), value, here)),
        (Content::Mapping(nodes), Some(key)) => collect_entry(key, nodes, false, here, lines),
        (Content::List(nodes), Some(key)) => collect_entry(key, nodes, true, here, lines),
        (Content::Mapping(nodes) | Content::List(nodes), None) => collect_item(nodes, here, lines),
    }
    if let Some(line) = lines.get_mut(first).filter(|_| edit != around.edit) {
        line.edit = edit;
    }
}

/// What happened to a value, and in which edit. Nothing for what never was, or is not to be seen.
fn sign_of(node: &Node<'_>, around: Around) -> Option<(Sign, Option<usize>)> {
    match (around.sign, node.state) {
        (Sign::Around, State::Kept) => Some((Sign::Around, None)),
        (Sign::Around | Sign::Added, State::Added(edit)) => Some((Sign::Added, Some(edit))),
        (Sign::Around, State::Removed(edit)) => Some((Sign::Removed, Some(edit))),
        (Sign::Removed, State::Kept | State::Removed(_)) => Some((Sign::Removed, around.edit)),
        (Sign::Added, State::Kept | State::Removed(_)) | (Sign::Removed, State::Added(_)) => None,
    }
}

/// A value that is shown with all that is in it.
fn whole(key: Option<&str>, value: &Value, here: Around) -> impl Iterator<Item = Marked> {
    let mut lines = Vec::new();
    match key {
        Some(key) => block::entry(key, value, here.indent, &mut lines),
        None => block::item(value, here.indent, &mut lines),
    }
    lines.into_iter().map(move |line| Marked {
        sign: here.sign,
        line,
        edit: None,
    })
}

/// A mapping or list below its key.
fn collect_entry(
    key: &str,
    nodes: &[Node<'_>],
    is_list: bool,
    here: Around,
    lines: &mut Vec<Marked>,
) {
    let head = lines.len();
    lines.push(Marked {
        sign: here.sign,
        line: block::header(key, here.indent),
        edit: None,
    });
    let indent = block::indent_inside(is_list, here.indent);
    nodes
        .iter()
        .for_each(|node| collect(node, Around { indent, ..here }, lines));
    if lines.len() > head + 1 {
        return;
    }
    let empty = if is_list { " []" } else { " {}" };
    match lines.pop() {
        Some(mut line) if here.sign != Sign::Around => {
            line.line.text.push_str(empty);
            lines.push(line);
        }
        _ => {}
    }
}

/// An item of a list, with the entry that tells which one it is where only a part of it is shown.
fn collect_item(nodes: &[Node<'_>], here: Around, lines: &mut Vec<Marked>) {
    let head = lines.len();
    let inside = Around {
        indent: here.indent + block::STEP,
        ..here
    };
    let mut heads = 0;
    if here.sign == Sign::Around {
        heads = 1;
        lines.push(Marked {
            sign: Sign::Around,
            line: identity(nodes, here.indent),
            edit: None,
        });
    }
    nodes.iter().for_each(|node| collect(node, inside, lines));
    if lines.len() == head + heads {
        lines.truncate(head);
    } else if heads == 0 {
        lines
            .get_mut(head)
            .into_iter()
            .for_each(|line| line.line.mark_item());
    }
}

/// The entry by which people know an item: its name, or the first that is one line.
fn identity(nodes: &[Node<'_>], indent: usize) -> Line {
    let entries = nodes
        .iter()
        .filter(|node| node.state == State::Kept)
        .filter_map(|node| match (&node.key, &node.content) {
            (Some(key), Content::Whole(value)) if !value.is_object() && !value.is_array() => {
                Some((key, *value))
            }
            _ => None,
        });
    let named = entries
        .clone()
        .find(|(key, _)| *key == "name")
        .or_else(|| entries.clone().next());
    let text = match named {
        Some((key, value)) => format!("- {} {}", block::header(key, 0).text, block::scalar(value)),
        None => "-".to_owned(),
    };
    Line { indent, text }
}

/// Where a line takes the place of one above it, the author beside the new one is enough.
fn name_replacements_once(lines: &mut [Marked], edits: &[Edit<'_>]) {
    let author = |line: &Marked| {
        line.edit
            .and_then(|edit| edits.get(edit))
            .map(|edit| edit.author.as_str())
    };
    let mut before: Option<&mut Marked> = None;
    for line in lines {
        if let Some(before) =
            before.filter(|before| before.sign == Sign::Removed && line.sign == Sign::Added)
        {
            before.edit = before.edit.filter(|_| author(before) != author(line));
        }
        before = Some(line);
    }
}

impl Marked {
    fn write(&self, edits: &[Edit<'_>], out: &mut dyn Write) -> io::Result<()> {
        let Self { sign, line, edit } = self;
        let text = line.indented();
        match sign {
            Sign::Around => write!(out, "      {FAINT}{text}{FAINT:#}")?,
            Sign::Added => write!(out, "    {ADDED}+ {text}{ADDED:#}")?,
            Sign::Removed => write!(out, "    {REMOVED}- {text}{REMOVED:#}")?,
        }
        match edit.and_then(|edit| edits.get(edit)) {
            Some(Edit { author, .. }) => writeln!(out, "  {FAINT}# {author}{FAINT:#}"),
            None => writeln!(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;
    use tollgate_admission::{Op, OpKind};

    use super::*;
    use crate::render::text::tree;

    /// The lines of a difference, of operations `op path value author`.
    fn shown(before: &Value, ops: &[(&str, &str, Value, &str)]) -> String {
        let edit = |(op, path, value, author): &(&str, &str, Value, &str)| Edit {
            op: Cow::Owned(Op {
                kind: OpKind::parse(op).unwrap(),
                path: (*path).to_owned(),
                value: value.clone(),
            }),
            author: (*author).to_owned(),
        };
        let edits: Vec<_> = ops.iter().map(edit).collect();
        let mut out = Vec::new();
        write(&tree::edited(before, &edits).unwrap(), &edits, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    fn pod() -> Value {
        json!({
            "metadata": {"name": "a"},
            "spec": {
                "containers": [
                    {"name": "main", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "resources": {"limits": {"nvidia.com/gpu": 1}}},
                    {"name": "side", "args": ["-x"]},
                ],
                "tolerations": [{"key": "one"}, {"key": "two"}],
            },
        })
    }

    #[test]
    fn additions_stand_below_the_keys_that_lead_there() {
        let ops = [
            (
                "add",
                "/spec/volumes",
                json!([{"name": "shm", "emptyDir": {}}]),
                "p/volume",
            ),
            (
                "add",
                "/spec/containers/1/volumeMounts",
                json!([{"name": "shm", "mountPath": "/dev/shm"}]),
                "p/mount",
            ),
            (
                "add",
                "/spec/containers/0/env/-",
                json!({"name": "C", "value": "3"}),
                "q/env",
            ),
        ];
        insta::assert_snapshot!(shown(&pod(), &ops));
    }

    #[test]
    fn replacements_and_removals_show_what_was() {
        let ops = [
            (
                "replace",
                "/spec/containers/0/env/1/value",
                json!("two"),
                "p/env",
            ),
            ("remove", "/spec/tolerations/0", json!(null), "p/toleration"),
            ("add", "/spec/tolerations/0/key", json!("2"), "q/toleration"),
            (
                "remove",
                "/spec/containers/0/resources/limits/nvidia.com~1gpu",
                json!(null),
                "q/rename",
            ),
            (
                "add",
                "/spec/containers/0/resources/limits/nvidia.com~1mig-1g.10gb",
                json!(1),
                "q/rename",
            ),
        ];
        insta::assert_snapshot!(shown(&pod(), &ops));
    }

    #[test]
    fn what_one_policy_adds_and_another_changes_is_an_addition_of_both() {
        let ops = [
            ("add", "/spec/volumes", json!([{"name": "shm"}]), "p/volume"),
            (
                "add",
                "/spec/volumes/0/emptyDir",
                json!({"medium": "Memory"}),
                "q/medium",
            ),
            (
                "add",
                "/spec/volumes/-",
                json!({"name": "cache"}),
                "r/cache",
            ),
            ("replace", "/spec/volumes/0/name", json!("dshm"), "s/name"),
        ];
        insta::assert_snapshot!(shown(&pod(), &ops));
    }

    #[test]
    fn what_is_added_and_taken_back_leaves_no_trace() {
        let ops = [
            ("add", "/spec/volumes", json!([]), "p/volume"),
            ("remove", "/spec/volumes", json!(null), "q/volume"),
            (
                "add",
                "/spec/containers/0/env/0",
                json!({"name": "Z"}),
                "p/env",
            ),
            ("remove", "/spec/containers/0/env/0", json!(null), "q/env"),
        ];
        assert_eq!(shown(&pod(), &ops), "");
    }

    #[test]
    fn a_replaced_mapping_or_list_shows_only_what_differs() {
        let ops = [
            (
                "replace",
                "/spec/containers/0/env/0",
                json!({"name": "A", "value": "9", "x": 1}),
                "p/env",
            ),
            (
                "replace",
                "/spec/tolerations",
                json!([{"key": "one"}, {"key": "new"}, {"key": "two"}]),
                "p/list",
            ),
        ];
        insta::assert_snapshot!(shown(&pod(), &ops));
    }

    #[test]
    fn what_was_emptied_or_had_no_name_is_shown_too() {
        let before = json!({"a": [[1, 2], {"deep": {"x": 1}}], "b": "text\nof lines\n"});
        let ops = [
            ("add", "/c", json!([1]), "p/one"),
            ("remove", "/c/0", json!(null), "p/two"),
            ("add", "/a/0/-", json!(3), "p/three"),
            ("replace", "/a/1/deep/x", json!(2), "p/four"),
            ("replace", "/b", json!("more\nlines\n"), "p/five"),
        ];
        insta::assert_snapshot!(shown(&before, &ops));
    }

    #[test]
    fn an_edit_that_does_not_fit_gives_no_difference() {
        let misfits = [
            ("remove", "/gone"),
            ("replace", "/spec/gone"),
            ("add", "/spec/containers/7"),
            ("add", "/metadata/name/x"),
            ("add", ""),
        ];
        for (op, path) in misfits {
            let op = Op {
                kind: OpKind::parse(op).unwrap(),
                path: path.to_owned(),
                value: json!(1),
            };
            let edits = [Edit {
                op: Cow::Owned(op),
                author: String::new(),
            }];
            assert!(tree::edited(&pod(), &edits).is_none(), "{path}");
        }
    }
}
