//! The formats of `review`.

mod json;
mod manifest;
mod patch;
mod text;
mod yaml;

pub(crate) mod block;

use crate::answer::Answer;
use crate::args::{DisplayArgs, Format};
use crate::failure::Failure;
use crate::terminal;

pub(crate) use text::{Edit, Entry, Note, Widths, place};

/// Prints what came of documents: data on stdout, and on stderr what the format has no room for.
pub(crate) fn render(
    format: Format,
    answers: &[Answer],
    display: &DisplayArgs,
) -> Result<(), Failure> {
    match format {
        Format::Text => terminal::print(|out| text::write(answers, display, out))?,
        Format::Json => terminal::print(|out| json::write(answers, out))?,
        Format::Yaml => terminal::print(|out| yaml::write(answers, out))?,
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
