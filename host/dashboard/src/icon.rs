//! Small shapes, each of which differs from the others without its colour. A word always stands beside them.

use maud::{Markup, html};

/// What a shape stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// All is well, or in force: a full circle.
    Full,
    /// Only told: half a circle.
    Half,
    /// Only noted: a ring.
    Ring,
    /// Refused: a cross.
    Cross,
    /// To be looked at: a triangle.
    Triangle,
    /// Changed: a pencil's stroke.
    Stroke,
}

impl Icon {
    /// The class that gives it its colour.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Full => "good",
            Self::Half | Self::Triangle => "caution",
            Self::Ring => "quiet",
            Self::Cross => "bad",
            Self::Stroke => "accent",
        }
    }
}

/// A shape with a word.
pub(crate) fn badge(icon: Icon, word: &str) -> Markup {
    html! { span class={ "badge " (icon.class()) } { (shape(icon)) (word) } }
}

/// A shape alone, which says nothing to who does not see it.
fn shape(icon: Icon) -> Markup {
    html! {
        svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" focusable="false" {
            @match icon {
                Icon::Full => { circle cx="6" cy="6" r="4.5" fill="currentColor" {} }
                Icon::Half => {
                    circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.4" {}
                    path d="M6 2a4 4 0 0 1 0 8z" fill="currentColor" {}
                }
                Icon::Ring => { circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.4" {} }
                Icon::Cross => { path d="M2.5 2.5l7 7m0-7l-7 7" stroke="currentColor" stroke-width="2" stroke-linecap="round" {} }
                Icon::Triangle => { path d="M6 1.5l5 9H1z" fill="currentColor" {} }
                Icon::Stroke => { path d="M2 10l1-3 6-6 2 2-6 6z" fill="currentColor" {} }
            }
        }
    }
}

/// The sign of Tollgate: a barrier.
pub(crate) fn sign() -> Markup {
    html! {
        svg class="sign" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false" {
            rect class="post" x="4" y="9" width="6" height="19" rx="1.5" {}
            rect class="boom" x="3" y="10" width="26" height="6" rx="3" {}
            path class="stripe" d="M13 10h4l-3 6h-4zM21 10h4l-3 6h-4z" {}
        }
    }
}
