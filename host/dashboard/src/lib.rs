//! The page that shows what Tollgate does, as one self-contained HTML document.
//!
//! [`render`] makes it of a [`View`]. It needs no script and nothing from elsewhere, so that the strictest policy for
//! content holds for it ([`content_security_policy`]). Texts are escaped where they are written, and what would
//! turn their order round is made visible.

mod view;
pub use view::{
    Activity, Budget, Configuration, InUse, Limit, Mode, Others, Policy, PolicyUses, Refresh, Rule,
    Series, Share, Shares, Source, View,
};

mod denial;
pub use denial::{Denial, Denials, Reason};

mod history;
pub use history::{Decisions, History, MINUTES, Totals, Uses};

mod document;
pub use document::{content_security_policy, render};

mod overview;

mod decisions;

mod policies;

mod budgets;

mod denied;

mod icon;

mod plot;

mod text;

mod moment;

#[cfg(test)]
mod tests;
