//! Diagnostics as people read them: the message, the place, the line with a mark below it, a hint.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use tollgate_catalog::{Diagnostic, Excerpt};

/// Renders diagnostics as errors, with colours, a blank line between them.
pub(crate) fn render(diagnostics: &[Diagnostic]) -> String {
    render_all(diagnostics, &Level::ERROR)
}

/// Renders diagnostics as warnings.
pub(crate) fn render_warnings(diagnostics: &[Diagnostic]) -> String {
    render_all(diagnostics, &Level::WARNING)
}

fn render_all(diagnostics: &[Diagnostic], level: &Level<'static>) -> String {
    let texts: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| render_one(diagnostic, level))
        .collect();
    texts.join("\n")
}

fn render_one(diagnostic: &Diagnostic, level: &Level<'static>) -> String {
    let Diagnostic {
        message,
        hint,
        excerpt,
        ..
    } = diagnostic;
    let group = Group::with_title(level.clone().primary_title(message.as_str()));
    let group = match excerpt.as_deref() {
        Some(excerpt) if is_whole(diagnostic, excerpt) => {
            group.element(snippet(diagnostic, excerpt).path(diagnostic.file.as_str()))
        }
        // The place in a piece of a line is not the place in the line.
        Some(excerpt) if !excerpt.line.is_empty() => group
            .element(origin(diagnostic))
            .element(snippet(diagnostic, excerpt)),
        _ => group.element(origin(diagnostic)),
    };
    let group = group.elements(
        hint.iter()
            .map(|hint| Level::HELP.with_name("hint").message(hint.as_str())),
    );
    Renderer::styled().render(&[group]) + "\n"
}

/// Whether the excerpt begins where its line does, so that places in it hold for the line.
fn is_whole(diagnostic: &Diagnostic, excerpt: &Excerpt) -> bool {
    let before = excerpt.line.get(..excerpt.marked.start);
    diagnostic.line > 0
        && !excerpt.line.is_empty()
        && before.is_some_and(|before| before.chars().count() + 1 == diagnostic.column)
}

fn origin(diagnostic: &Diagnostic) -> Origin<'_> {
    let Diagnostic {
        file, line, column, ..
    } = diagnostic;
    let origin = Origin::path(file.as_str());
    match line {
        0 => origin,
        _ => origin.line(*line).char_column(*column),
    }
}

fn snippet<'a>(diagnostic: &Diagnostic, excerpt: &'a Excerpt) -> Snippet<'a, Annotation<'a>> {
    let Excerpt { line, marked } = excerpt;
    let mark = AnnotationKind::Primary.span(within(line, marked));
    Snippet::source(line.as_str())
        .line_start(diagnostic.line.max(1))
        .annotation(mark)
}

/// The part of a line that a range means, whatever its bounds are.
fn within(line: &str, range: &Range<usize>) -> Range<usize> {
    let start = line.floor_char_boundary(range.start);
    start..line.ceil_char_boundary(range.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(diagnostics: &[Diagnostic]) -> String {
        anstream::adapter::strip_str(&render(diagnostics)).to_string()
    }

    fn at(line: usize, column: usize, text: &str, marked: Range<usize>) -> Diagnostic {
        let excerpt = Some(Box::new(Excerpt {
            line: text.to_owned(),
            marked,
        }));
        Diagnostic {
            line,
            column,
            excerpt,
            ..Diagnostic::of_file("a.yaml", "the key is given twice")
        }
    }

    #[test]
    fn shows_place_line_mark_and_hint() {
        let diagnostic = at(12, 3, "  name: b", 2..6).with_hint("take one of them away");
        insta::assert_snapshot!(plain(&[diagnostic]));
    }

    #[test]
    fn shows_several_one_after_the_other() {
        let file = Diagnostic::of_file("b.yaml", "cannot be read").with_hint("look at its rights");
        insta::assert_snapshot!(plain(&[file, at(1, 1, "a: b", 0..1)]));
    }

    #[test]
    fn keeps_the_place_of_a_piece_of_a_long_line() {
        insta::assert_snapshot!(plain(&[at(1, 5_003, "\"here\": 1", 0..6)]));
    }

    #[test]
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "this is what must not do harm"
    )]
    fn odd_places_do_no_harm() {
        for range in [
            0..0,
            9..9,
            3..1,
            900..901,
            0..900,
            1..2,
            2..3,
            usize::MAX..usize::MAX,
        ] {
            for line in ["", "ä", "name: ä", "\u{1b}[31m\t\u{feff}"] {
                assert!(plain(&[at(0, 0, line, range.clone())]).contains("given twice"));
                assert!(
                    plain(&[at(usize::MAX - 1, 7, line, range.clone())]).contains("given twice")
                );
            }
        }
    }
}
