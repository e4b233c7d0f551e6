//! The built-in policy gpu-limits.
