//! The built-in policy shared-memory.
