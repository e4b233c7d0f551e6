//! Texts of others, which may be made to deceive. `maud` escapes what HTML takes for markup; here is seen to what a reader
//! would take for something else.

use maud::{Markup, Render, html};

/// A text of somebody else. It stands by itself, so that text from right to left turns nothing else round.
pub(crate) struct Foreign<'t>(pub(crate) &'t str);

impl Render for Foreign<'_> {
    fn render(&self) -> Markup {
        html! { bdi { (visible(self.0)) } }
    }
}

/// A text in which every character can be seen.
pub(crate) fn visible(text: &str) -> String {
    let shown = text.chars().flat_map(|letter| {
        let hidden = is_hidden(letter).then(|| letter.escape_unicode());
        let plain = hidden.is_none().then_some(letter);
        hidden.into_iter().flatten().chain(plain)
    });
    shown.collect()
}

/// Whether a character has no shape of its own: controls, what turns the order of text round or joins and parts words
/// unseen, and the tags that spell text that nobody sees.
fn is_hidden(letter: char) -> bool {
    let breaks_lines = matches!(letter, '\n' | '\t');
    (letter.is_control() && !breaks_lines)
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_deceives_is_made_visible() {
        assert_eq!(
            visible("a\u{202e}b\u{0}\u{200b}c"),
            "a\\u{202e}b\\u{0}\\u{200b}c"
        );
        assert_eq!(visible("größer\n日本語"), "größer\n日本語");
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(
            html! { p title=(visible("\"><b>")) { (Foreign("<script>'\"&")) } }.into_string(),
            "<p title=\"&quot;&gt;&lt;b&gt;\"><bdi>&lt;script&gt;'&quot;&amp;</bdi></p>"
        );
    }
}
