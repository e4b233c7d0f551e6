//! The object of `-o json` as YAML.

use std::io::{self, Write};

use super::{block, json};
use crate::answer::Reviewed;

pub(super) fn write(reviewed: &Reviewed, out: &mut dyn Write) -> io::Result<()> {
    block::write(&json::object(reviewed), out)
}
