use serde_json::{Value, json};

use super::{Document, documents};
use crate::diagnostic::Diagnostic;

/// Each document: its line and value, or its diagnostic as text.
fn read(text: &str) -> Vec<Result<(usize, Value), String>> {
    let read = |document: Document| match document.content {
        Ok(value) => Ok((document.origin.line(), value)),
        Err(diagnostic) => Err(diagnostic.to_string()),
    };
    documents("f", text.as_bytes())
        .into_iter()
        .map(read)
        .collect()
}

fn values(text: &str) -> Vec<Value> {
    read(text)
        .into_iter()
        .map(|document| document.unwrap().1)
        .collect()
}

fn broken(text: &str) -> Diagnostic {
    let mut broken = documents("f", text.as_bytes())
        .into_iter()
        .filter_map(|document| document.content.err());
    broken.next().expect("a broken document")
}

#[test]
fn tells_the_line_of_each_documents_first_value() {
    let text = "# head\na: 1\n---\n# more\nb: 2\n--- {c: 3}\n...\nd: 4\n";
    assert_eq!(
        read(text),
        [
            Ok((2, json!({"a": 1}))),
            Ok((5, json!({"b": 2}))),
            Ok((6, json!({"c": 3}))),
            Ok((8, json!({"d": 4})))
        ]
    );
}

#[test]
fn leaves_out_documents_that_say_nothing() {
    assert_eq!(read(""), []);
    assert_eq!(read(" \n\t\n"), []);
    assert_eq!(
        read("# only a comment\n---\n---\nnull\n---\n~\n--- # end\n"),
        []
    );
}

#[test]
fn a_mark_inside_a_block_of_text_parts_only_at_the_beginning_of_a_line() {
    assert_eq!(
        values("a: |\n  x\n  ---\n  y\n"),
        [json!({"a": "x\n---\ny\n"})]
    );
    assert_eq!(
        values("a: |\n  x\n---\nb: 1\n"),
        [json!({"a": "x\n"}), json!({"b": 1})]
    );
    assert_eq!(values("a: ---x\n"), [json!({"a": "---x"})]);
}

#[test]
fn a_broken_document_does_not_lose_the_others() {
    let text = "a: 1\n---\nb: [1\n---\nc: 3\n---\nd: e: f\n---\n@\n---\nx: \"y\n---\nz: 1\n";
    assert_eq!(
        read(text),
        [
            Ok((1, json!({"a": 1}))),
            Err("f:3:4: unclosed bracket '['".into()),
            Ok((5, json!({"c": 3}))),
            Err("f:7:5: a second `: ` on one line, or a wrong indentation".into()),
            Err("f:9:1: no value can begin with `@`".into()),
            Err(
                "f:11:4: while scanning a quoted scalar, found unexpected document indicator"
                    .into()
            ),
            Ok((13, json!({"z": 1}))),
        ]
    );
}

#[test]
fn a_broken_first_document_does_not_lose_the_second() {
    assert_eq!(
        read("{{- if .x }}\na: 1\n{{- end }}\n---\nb: 2\n"),
        [
            Err("f:1:3: \"-\" is only valid inside a block".into()),
            Ok((5, json!({"b": 2})))
        ]
    );
}

#[test]
fn reads_windows_lines_and_a_byte_order_mark() {
    assert_eq!(
        values("\u{feff}a: 1\r\nb: |\r\n  x\r\n---\r\nc: 2\r\n"),
        [json!({"a": 1, "b": "x\n"}), json!({"c": 2})]
    );
    assert_eq!(values("\u{feff}{\"a\": 1}"), [json!({"a": 1})]);
}

#[test]
fn keeps_the_order_of_keys() {
    let [value] = &values("z: 1\na: 2\nm: 3\n")[..] else {
        panic!()
    };
    let keys: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["z", "a", "m"]);
}

#[test]
fn refuses_a_key_given_twice() {
    let diagnostic = broken("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n");
    assert_eq!(
        diagnostic.to_string(),
        "f:5:3: the key `c` is given twice, first in line 3"
    );
    let excerpt = diagnostic.excerpt.unwrap();
    assert_eq!(
        (&excerpt.line[..], &excerpt.line[excerpt.marked.clone()]),
        ("  c: 3", "c")
    );
    assert_eq!(
        broken("{\"a\": 1,\n \"a\": 2}").to_string(),
        "f:2:2: the key `a` is given twice, first in line 1"
    );
    assert_eq!(
        broken("yes: 1\ntrue: 2\n").to_string(),
        "f:2:1: the key `true` is given twice, first in line 1"
    );
}

#[test]
fn refuses_keys_that_are_no_text() {
    assert_eq!(
        broken("? [a]\n: b\n").to_string(),
        "f:1:3: a key must be text, not a list"
    );
    assert_eq!(broken("~: b\n").to_string(), "f:1:1: a key must be text");
}

#[test]
fn hints_at_templates() {
    let hint = Some(
        "it looks like a template: render it first, as in `helm template CHART | tollgate review -`",
    );
    for text in [
        "a: {{ .Values.a }}\n",
        "{{- if .Values.a }}\na: 1\n{{- end }}\n",
        "a:\n  {{- toYaml .Values.a | nindent 2 }}\n",
        "ok: 1\n---\na: 1\n{{- range .Values.a }}\n- b\n{{- end }}\n---\nok: 2\n",
    ] {
        assert_eq!(broken(text).hint.as_deref(), hint, "{text}");
    }
    assert_eq!(
        broken("a: {{ .Values.a }}\n").to_string(),
        "f:1:5: a key must be text, not a mapping"
    );
    assert_eq!(broken("a: [\n---\nb: '{{ .Values.b }}'\n").hint, None);
}

#[test]
fn hints_at_the_usual_slips() {
    let hint = |text| broken(text).hint;
    assert_eq!(hint("a:\n\t- b\n").as_deref(), Some("indent with spaces"));
    assert_eq!(hint("a: @b\n").as_deref(), Some("quote the text"));
    assert_eq!(
        hint("a: b: c\n").as_deref(),
        Some("quote text that has `: ` in it")
    );
    assert_eq!(
        hint("a: *.log\n").as_deref(),
        Some("quote text that begins with `*`")
    );
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let refused = |bytes: &[u8]| {
        let diagnostic = documents("f", bytes).pop().unwrap().content.unwrap_err();
        (diagnostic.to_string(), diagnostic.hint)
    };
    assert_eq!(
        refused(b"a: 1\nb: \xff\n"),
        ("f:2:4: not a text in UTF-8".into(), None)
    );
    assert_eq!(
        refused(b"\x7fELF\0\0"),
        ("f:1:5: not a text: it has a zero byte here".into(), None)
    );
    assert_eq!(
        refused(b"\xff\xfea\0:\0"),
        (
            "f:1:1: not a text in UTF-8".into(),
            Some("it looks like UTF-16: save it as UTF-8".into())
        )
    );
}

#[test]
fn reads_json_values_one_after_another() {
    assert_eq!(
        read("{\"a\": 1}{\"b\": 2}\n\n  [3]\n{\n \"c\": 4\n}\n---\n{\"d\": 5}\n"),
        [
            Ok((1, json!({"a": 1}))),
            Ok((1, json!({"b": 2}))),
            Ok((3, json!([3]))),
            Ok((4, json!({"c": 4}))),
            Ok((8, json!({"d": 5}))),
        ]
    );
}

#[test]
fn a_broken_line_does_not_lose_the_next_json_lines() {
    assert_eq!(
        read("{\"a\": 1}\n{\"b\": [}\n{\"c\": \"x\n{\"d\": 4}\n"),
        [
            Ok((1, json!({"a": 1}))),
            Err("f:2:7: mismatched bracket '[' closed by '}'".into()),
            Err("f:3:7: unclosed quote".into()),
            Ok((4, json!({"d": 4}))),
        ]
    );
}

#[test]
fn numbers_of_json_stay_as_serde_json_has_them() {
    let text = r#"{"a": 18446744073709551615, "b": -9223372036854775808, "c": 1.0, "d": 1e2, "e": 0.1, "f": "\ud83d\ude00\/"}"#;
    assert_eq!(values(text), [serde_json::from_str::<Value>(text).unwrap()]);
    assert_eq!(
        values(text)[0].to_string(),
        serde_json::from_str::<Value>(text).unwrap().to_string()
    );
}

#[test]
fn scalars_mean_what_kubectl_takes_them_for() {
    let meaning = |text: &str| values(&format!("a: {text}")).pop().unwrap()["a"].clone();
    for yes in [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE",
    ] {
        assert_eq!(meaning(yes), json!(true), "{yes}");
    }
    for no in [
        "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE",
    ] {
        assert_eq!(meaning(no), json!(false), "{no}");
    }
    for null in ["", "~", "null", "Null", "NULL"] {
        assert_eq!(meaning(null), json!(null), "{null}");
    }
    for (text, number) in [
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("1_000", 1_000),
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1f", -31),
        ("0b101", 5),
        ("089", 89),
        ("1e3", 1_000),
        ("1.0", 1),
        ("-2.", -2),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ] {
        assert_eq!(meaning(text), json!(number), "{text}");
    }
    assert_eq!(meaning("18446744073709551615"), json!(u64::MAX));
    assert_eq!(
        meaning("18446744073709551616"),
        json!(18446744073709551616.0)
    );
    assert_eq!(meaning("0.10"), json!(0.1));
    assert_eq!(meaning("-.5e-3"), json!(-0.0005));
    for text in [
        "yEs",
        "tRUE",
        "nope",
        "nULL",
        "0o8",
        "0x",
        "+",
        ".",
        "..",
        "-_",
        "e3",
        "1e",
        "1e999",
        "1.2.3",
        "10.0.0.1",
        "2024-01-31",
        "2001-12-14T21:59:43Z",
        "12:30:45",
        "16Mi",
        "0b12",
        "1,000",
        "--1",
        "+-1",
        "0xfg",
        "=",
    ] {
        assert_eq!(meaning(text), json!(text), "{text}");
    }
    for text in ["'yes'", "\"1\"", "!!str 1", "! 1", "!Ref 1"] {
        let plain = text.rsplit(' ').next().unwrap().trim_matches(['\'', '"']);
        assert_eq!(meaning(text), json!(plain), "{text}");
    }
    assert_eq!(meaning("!!int '3'"), json!(3));
    assert_eq!(meaning("!!float 3"), json!(3));
}

#[test]
fn scalars_that_json_cannot_say_are_refused() {
    assert_eq!(
        broken("a: .inf").to_string(),
        "f:1:4: `.inf` is a number that JSON cannot write"
    );
    assert_eq!(
        broken("a: !!int x").to_string(),
        "f:1:10: `x` is no `!!int`"
    );
    assert_eq!(
        broken("a: !!binary aGk=").to_string(),
        "f:1:13: `!!binary` is not supported: write the value as base64 text"
    );
}

#[test]
fn keys_are_text_whatever_they_mean() {
    assert_eq!(
        values("on: 1\n8080: 2\n1.50: 3\n"),
        [json!({"true": 1, "8080": 2, "1.5": 3})]
    );
}

#[test]
fn expands_aliases_and_merges() {
    let text = "base: &b {x: 1, w: 2}\na: *b\nc:\n  <<: *b\n  w: 3\nd: {<<: [{x: 4}, *b], z: 5}\n";
    assert_eq!(
        values(text),
        [
            json!({"base": {"x": 1, "w": 2}, "a": {"x": 1, "w": 2}, "c": {"w": 3, "x": 1}, "d": {"z": 5, "x": 4, "w": 2}})
        ]
    );
    assert_eq!(
        values("&k a: 1\nb: *k\n*k : 2\n".replace("*k :", "c:").as_str()),
        [json!({"a": 1, "b": "a", "c": 2})]
    );
    assert_eq!(
        broken("a: &a [*a]\n").to_string(),
        "f:1:8: an alias within the value that it stands for"
    );
    assert_eq!(
        broken("a: {<<: 1}\n").to_string(),
        "f:1:9: `<<` takes a mapping or a list of mappings"
    );
    assert_eq!(
        broken("a: &x 1\n---\nb: *x\n").to_string(),
        "f:3:4: no anchor of this name before the alias"
    );
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 9].join(", "));
    }
    bomb += "---\nb: 1\n";
    let read = read(&bomb);
    assert_eq!(read.len(), 2);
    assert!(
        read[0]
            .as_ref()
            .unwrap_err()
            .ends_with("its aliases expand to more than 8 MiB"),
        "{:?}",
        read[0]
    );
    assert_eq!(read[1], Ok((32, json!({"b": 1}))));
}

#[test]
fn a_long_text_cannot_be_multiplied_by_aliases() {
    let text = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(100_000)
    );
    assert_eq!(
        broken(&text).message,
        "its aliases expand to more than 8 MiB"
    );
}

#[test]
fn a_bomb_of_brackets_is_refused() {
    for bomb in [
        "[".repeat(200_000),
        "{\"a\":".repeat(200_000),
        "- ".repeat(200_000),
    ] {
        let read = read(&format!("{bomb}\n---\nb: 1\n"));
        assert_eq!(read.len(), 2);
        assert!(
            read[0]
                .as_ref()
                .unwrap_err()
                .ends_with("nested deeper than 128 levels"),
            "{:?}",
            read[0]
        );
        assert_eq!(read[1], Ok((3, json!({"b": 1}))));
    }
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(read(&nested(127)).len(), 1);
    assert!(read(&nested(127))[0].is_ok());
    assert_eq!(
        broken(&nested(129)).message,
        "nested deeper than 128 levels"
    );
}

#[test]
fn an_origin_points_at_values_and_keys() {
    let text = "a: 1\n---\nspec:\n  list:\n  - x\n  - k: {z/w: 5}\n  \"on\": 1\n";
    let document = documents("f", text.as_bytes()).pop().unwrap();
    let value = |pointer| document.origin.diagnostic(pointer, "here").to_string();
    let key = |pointer| document.origin.key_diagnostic(pointer, "here").to_string();
    assert_eq!(document.origin.to_string(), "f:3");
    assert_eq!(value(""), "f:3:1: here");
    assert_eq!(value("/spec/list/0"), "f:5:5: here");
    assert_eq!(value("/spec/list/1/k/z~1w"), "f:6:14: here");
    assert_eq!(key("/spec/list/1/k/z~1w"), "f:6:9: here");
    assert_eq!(key("/spec/on"), "f:7:3: here");
    assert_eq!(value("/spec/missing"), "f:3:1: here");
    assert_eq!(value("/spec/list/9/deeper"), "f:4:3: here");
}

#[test]
fn an_origin_points_into_json_of_one_line() {
    let found = documents("f", b"{\"a\": 1} {\"b\": [1, 22]}\n");
    let diagnostic = found[1].origin.diagnostic("/b/1", "here");
    assert_eq!(diagnostic.to_string(), "f:1:20: here");
    let excerpt = diagnostic.excerpt.unwrap();
    assert_eq!(&excerpt.line[excerpt.marked.clone()], "22");
}

#[test]
fn an_origin_without_a_text_names_its_file() {
    assert_eq!(
        super::Origin::of_file("default profile")
            .diagnostic("/a", "bad")
            .to_string(),
        "default profile: bad"
    );
}

#[test]
fn an_origin_finds_its_document_again() {
    let place = |text: &str, pointer: &str| {
        let document = documents("f", text.as_bytes()).remove(0);
        document.origin.diagnostic(pointer, "here").to_string()
    };
    assert_eq!(place("|\n text\n", ""), "f:2:2: here");
    assert_eq!(place("# c\n\n? a\n: b\n", "/a"), "f:4:3: here");
    assert_eq!(place("{\"a\": 1} [}", "/a"), "f:1:1: here");
    let documents = documents("f", b"a: 1\n...\n# c\nb: 2\n");
    assert_eq!(
        documents[1].origin.diagnostic("/b", "here").to_string(),
        "f:4:4: here"
    );
}
