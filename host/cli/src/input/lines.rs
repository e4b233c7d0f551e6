//! The lines on which the items of a list stand.
//!
//! A document tells where any value of it stands, but reads itself again for each: too slow for the thousands of
//! items that a cluster's list may have.

use serde_saphyr::granit_parser::{Event, Parser};
use tollgate_catalog::diagnostic::Place;

/// Returns the line of each item, as far as they can be told. `list` is where the list stands in the text.
pub(super) fn of_items(text: &str, list: &Place) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut parser = Parser::new_from_str(alone(text, list));
    let mut depth = 0_usize;
    while let Some(Ok((event, span))) = parser.next_event() {
        if depth == 1 && begins_value(&event) {
            lines.push(list.line + span.start.line().saturating_sub(1));
        }
        depth = match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth + 1,
            Event::SequenceEnd | Event::MappingEnd => depth.saturating_sub(1),
            _ => depth,
        };
        if depth == 0 && matches!(event, Event::SequenceEnd) {
            break;
        }
    }
    lines
}

/// The text from the beginning of the list on: a list of the block style keeps its indentation.
fn alone<'t>(text: &'t str, list: &Place) -> &'t str {
    let Some((before, from_list)) = text.split_at_checked(list.bytes.start) else {
        return "";
    };
    if from_list.starts_with('[') {
        return from_list;
    }
    let start_of_line = before.rfind('\n').map_or(0, |newline| newline + 1);
    text.get(start_of_line..).unwrap_or_default()
}

fn begins_value(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::SequenceStart(..) | Event::MappingStart(..) | Event::Scalar(..) | Event::Alias(..)
    )
}
