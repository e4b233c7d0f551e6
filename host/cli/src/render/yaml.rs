//! The object of `-o json` as YAML.

use std::io::{self, Write};

use super::{block, json};
use crate::answer::Answer;

pub(super) fn write(answers: &[Answer], out: &mut dyn Write) -> io::Result<()> {
    block::write(&json::object(answers), out)
}
