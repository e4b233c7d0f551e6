//! The formats of `review`.

mod json;
mod manifest;
mod patch;
mod text;
mod yaml;

pub(crate) mod block;

use crate::answer::Reviewed;
use crate::args::{DisplayArgs, Format};
use crate::failure::Failure;
use crate::terminal;

pub(crate) use text::{Edit, Entry, Note, Widths, place};

/// Prints what came of documents: data on stdout, and on stderr what the format has no room for.
pub(crate) fn render(
    format: Format,
    reviewed: &Reviewed,
    display: &DisplayArgs,
) -> Result<(), Failure> {
    let answers = &reviewed.answers;
    match format {
        Format::Text => terminal::print(|out| text::write(reviewed, display, out))?,
        Format::Json => terminal::print(|out| json::write(reviewed, out))?,
        Format::Yaml => terminal::print(|out| yaml::write(reviewed, out))?,
        Format::Patch => terminal::print(|out| patch::write(answers, out))?,
        Format::Manifest => terminal::print(|out| manifest::write(answers, out))?,
    }
    terminal::complain(&match format {
        Format::Text => String::new(),
        Format::Json | Format::Yaml => text::unreadable(answers),
        Format::Patch | Format::Manifest => text::messages(answers, display),
    });
    Ok(())
}
