//! What changes in an object as lines of YAML, below the keys that lead there.

use std::io::{self, Write};

use anstyle::Style;
use serde_json::Value;

use super::style;
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
        let around = Around { sign: Sign::Around, edit: None, indent: 0 };
        nodes.iter().for_each(|node| collect(node, around, &mut lines));
    }
    name_replacements_once(&mut lines);
    lines.iter().try_for_each(|line| line.write(edits, out))
}

fn collect(node: &Node<'_>, around: Around, lines: &mut Vec<Marked>) {
    let Some((sign, edit)) = sign_of(node, around) else { return };
    let first = lines.len();
    match &node.content {
        Content::Whole(_) if sign == Sign::Around => return,
        Content::Whole(value) => collect_whole(node, value, sign, around.indent, lines),
        Content::Mapping(nodes) | Content::List(nodes) => {
            let head = head_of(node, nodes, sign, around.indent);
            let is_list = matches!(node.content, Content::List(_));
            let indent = block::indent_inside(is_list && node.key.is_some(), around.indent);
            lines.extend(head.map(|line| Marked { sign, line, edit: None }));
            let has_head = lines.len() > first;
            nodes.iter().for_each(|inner| collect(inner, Around { sign, edit, indent }, lines));
            finish(node, sign, first, has_head, lines);
        }
    }
    if let Some(line) = lines.get_mut(first).filter(|_| edit != around.edit) {
        line.edit = edit;
    }
}
