//! The engine with hostile guests: each is contained, and its neighbours go on.

mod guest;
mod hostile;
