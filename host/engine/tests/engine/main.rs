//! The engine with hostile guests: each is contained, and its neighbours go on.

#![allow(unreachable_pub, dead_code, reason = "modules of one test program")]

mod guest;
mod hostile;
