//! How many pods a template makes, as an expression over the fields of its object.
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = first ("*" first)*
//! first   = atom ("or" atom)*                    the first that is known
//! atom    = number | "unknown" | pointer | "(" sum ")"
//!         | "min" "(" sum ("," sum)* ")"         the least of those that are known
//!         | "div" "(" sum "," sum ")"            how often the second is in the first, rounded down
//!         | "if" "(" pointer "," sum "," sum ")" the first sum where the field is there and not false
//!         | "item" "(" pointer "," pointer "," pointer "," pointer ")"
//! ```
//!
//! `item(LIST, NAMES, NAME, FIELD)` is the number at `FIELD` of the first item of `LIST` whose list `NAMES` has the text
//! that stands at `NAME`: how a scaling group multiplies its members, which it names. `NAMES` and `FIELD` begin at the item.
//!
//! A pointer is a JSON pointer (RFC 6901) from the object's root; the n-th `*` in it stands for what the n-th `*` of
//! the pod's path met. A field that is absent is not known, nor is what is computed of it; but nothing times
//! anything is nothing. Results are kept within what 32 bits hold.

use serde_json::Value;

use crate::json;

/// A number of pods, as an expression over the fields of their object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count(Expr);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expr {
    Is(u32),
    Unknown,
    Field(String),
    First(Vec<Expr>),
    Least(Vec<Expr>),
    Product(Vec<Expr>),
    Sum(Box<Expr>, Box<Expr>),
    Difference(Box<Expr>, Box<Expr>),
    Quotient(Box<Expr>, Box<Expr>),
    If(String, Box<Expr>, Box<Expr>),
    Item(Item),
}

/// A number of the item of a list that names something.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    list: String,
    names: String,
    name: String,
    field: String,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {at}")]
pub struct CountError {
    /// Where in the text, counted from 1.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

impl Count {
    /// A number that is not known.
    pub const UNKNOWN: Self = Self(Expr::Unknown);

    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// When the text is none, with the place in it.
    pub fn parse(text: &str) -> Result<Self, CountError> {
        Self::parse_below("", text)
    }

    /// Reads an expression whose pointers begin at a place of the object.
    pub(crate) fn parse_below(base: &str, text: &str) -> Result<Self, CountError> {
        let mut parser = Parser {
            base,
            text,
            rest: text,
        };
        let sum = parser.sum()?;
        match parser.peek() {
            "" => Ok(Self(sum)),
            other => Err(parser.error(format!("`{other}` is not expected"))),
        }
    }

    /// This many times another.
    pub(crate) fn times(self, other: Self) -> Self {
        Self(Expr::Product(vec![self.0, other.0]))
    }

    /// The most `*` that one of its pointers has.
    pub fn stars(&self) -> usize {
        self.0.stars()
    }

    /// The number for an object, where `*` stands for these tokens; `None` where that is not known.
    pub(crate) fn of(&self, object: &Value, stars: &[String]) -> Option<u32> {
        self.0.of(object, stars)
    }
}

impl Expr {
    fn of(&self, object: &Value, stars: &[String]) -> Option<u32> {
        let all = |several: &[Self]| -> Vec<_> {
            let values = several.iter();
            values.map(|one| one.of(object, stars)).collect()
        };
        match self {
            Self::Is(number) => Some(*number),
            Self::Unknown => None,
            Self::Field(pointer) => number(field(object, pointer, stars)?),
            Self::First(several) => several.iter().find_map(|one| one.of(object, stars)),
            Self::Least(several) => all(several).into_iter().flatten().min(),
            Self::Product(several) => {
                let factors = all(several);
                match factors.contains(&Some(0)) {
                    true => Some(0),
                    false => factors.into_iter().try_fold(1, |product: u32, factor| {
                        Some(product.saturating_mul(factor?))
                    }),
                }
            }
            Self::Sum(one, other) => {
                let one = one.of(object, stars)?;
                Some(one.saturating_add(other.of(object, stars)?))
            }
            Self::Difference(one, other) => {
                let one = one.of(object, stars)?;
                Some(one.saturating_sub(other.of(object, stars)?))
            }
            Self::Quotient(one, other) => {
                let one = one.of(object, stars)?;
                one.checked_div(other.of(object, stars)?)
            }
            Self::Item(item) => item.of(object, stars),
            Self::If(pointer, then, otherwise) => {
                let holds = field(object, pointer, stars).is_some_and(|it| *it != false);
                if holds { then } else { otherwise }.of(object, stars)
            }
        }
    }

    fn stars(&self) -> usize {
        let of = |pointer: &str| pointer.split('/').filter(|token| *token == "*").count();
        match self {
            Self::Is(_) | Self::Unknown => 0,
            Self::Field(pointer) => of(pointer),
            Self::First(several) | Self::Least(several) | Self::Product(several) => {
                several.iter().map(Self::stars).max().unwrap_or_default()
            }
            Self::Sum(one, other) | Self::Difference(one, other) | Self::Quotient(one, other) => {
                one.stars().max(other.stars())
            }
            Self::If(pointer, one, other) => of(pointer).max(one.stars()).max(other.stars()),
            Self::Item(Item { list, name, .. }) => of(list).max(of(name)),
        }
    }
}

impl Item {
    fn of(&self, object: &Value, stars: &[String]) -> Option<u32> {
        let name = field(object, &self.name, stars)?;
        let items = field(object, &self.list, stars)?.as_array()?;
        let has_it = |item: &&Value| {
            let names = json::at(item, &self.names).and_then(Value::as_array);
            names.is_some_and(|names| names.contains(name))
        };
        let item = items.iter().find(has_it)?;
        number(json::at(item, &self.field)?)
    }
}

/// What is at a pointer whose `*` stand for these tokens; null is nothing.
pub(crate) fn field<'a>(object: &'a Value, pointer: &str, stars: &[String]) -> Option<&'a Value> {
    json::at(object, &bind(pointer, stars)).filter(|value| !value.is_null())
}

/// A pointer with tokens in the place of its `*`.
pub(crate) fn bind(pointer: &str, stars: &[String]) -> String {
    let mut stars = stars.iter();
    let token = |token| match token {
        "*" => stars.next().map_or("*", String::as_str),
        token => token,
    };
    let tokens: Vec<_> = pointer.split('/').map(token).collect();
    tokens.join("/")
}

/// Annotations hold numbers as text.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

struct Parser<'a> {
    base: &'a str,
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<Expr, CountError> {
        let mut sum = self.product()?;
        loop {
            let make = match self.peek() {
                "+" => Expr::Sum,
                "-" => Expr::Difference,
                _ => return Ok(sum),
            };
            self.next();
            sum = make(Box::new(sum), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr, CountError> {
        self.several("*", Expr::Product, Self::first)
    }

    fn first(&mut self) -> Result<Expr, CountError> {
        self.several("or", Expr::First, Self::atom)
    }

    /// One, or several with a word between them.
    fn several(
        &mut self,
        between: &str,
        make: fn(Vec<Expr>) -> Expr,
        read: fn(&mut Self) -> Result<Expr, CountError>,
    ) -> Result<Expr, CountError> {
        let one = read(self)?;
        if self.peek() != between {
            return Ok(one);
        }
        let mut all = vec![one];
        while self.peek() == between {
            self.next();
            all.push(read(self)?);
        }
        Ok(make(all))
    }

    fn atom(&mut self) -> Result<Expr, CountError> {
        match self.peek() {
            "(" => {
                self.next();
                let sum = self.sum()?;
                self.take(")")?;
                Ok(sum)
            }
            "min" => {
                self.next();
                self.take("(")?;
                let least = self.several(",", Expr::Least, Self::sum)?;
                self.take(")")?;
                Ok(least)
            }
            "div" => {
                self.next();
                self.take("(")?;
                let one = self.sum()?;
                self.take(",")?;
                let other = self.sum()?;
                self.take(")")?;
                Ok(Expr::Quotient(Box::new(one), Box::new(other)))
            }
            "if" => self.choice(),
            "item" => self.item(),
            "unknown" => {
                self.next();
                Ok(Expr::Unknown)
            }
            word if word.starts_with('/') => self.pointer().map(Expr::Field),
            word => match word.parse() {
                Ok(number) => {
                    self.next();
                    Ok(Expr::Is(number))
                }
                Err(_) => Err(self.error(format!(
                    "`{word}` is no number, JSON pointer, `min(`, `div(`, `if(`, `item(` or `unknown`"
                ))),
            },
        }
    }

    fn choice(&mut self) -> Result<Expr, CountError> {
        self.next();
        self.take("(")?;
        let condition = self.pointer()?;
        self.take(",")?;
        let then = self.sum()?;
        self.take(",")?;
        let otherwise = self.sum()?;
        self.take(")")?;
        Ok(Expr::If(condition, Box::new(then), Box::new(otherwise)))
    }

    fn item(&mut self) -> Result<Expr, CountError> {
        self.next();
        self.take("(")?;
        let list = self.pointer()?;
        self.take(",")?;
        let names = self.relative()?;
        self.take(",")?;
        let name = self.pointer()?;
        self.take(",")?;
        let field = self.relative()?;
        self.take(")")?;
        Ok(Expr::Item(Item {
            list,
            names,
            name,
            field,
        }))
    }

    fn pointer(&mut self) -> Result<String, CountError> {
        let pointer = self.relative()?;
        Ok(format!("{}{pointer}", self.base))
    }

    /// A pointer as it is written.
    fn relative(&mut self) -> Result<String, CountError> {
        let word = self.peek();
        if !word.starts_with('/') {
            return Err(self.error(format!("`{word}` is no JSON pointer")));
        }
        self.next();
        Ok(word.to_owned())
    }

    fn take(&mut self, wanted: &str) -> Result<(), CountError> {
        let word = self.peek();
        if word != wanted {
            return Err(self.error(format!("`{word}` where `{wanted}` is expected")));
        }
        self.next();
        Ok(())
    }

    /// The next word: a bracket, a comma, or what stands until one of them or a space. Empty at the end.
    fn peek(&self) -> &'a str {
        let rest = self.rest.trim_start();
        let end = match rest.chars().next() {
            Some('(' | ')' | ',') => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || "(),".contains(c))
                .unwrap_or(rest.len()),
        };
        rest.split_at(end).0
    }

    fn next(&mut self) {
        let rest = self.rest.trim_start();
        self.rest = rest.strip_prefix(self.peek()).unwrap_or_default();
    }

    fn error(&self, message: String) -> CountError {
        let read = self.text.len() - self.rest.trim_start().len();
        CountError {
            at: read + 1,
            message: message.replace("``", "the end"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_counts_by_the_fields_of_its_object() {
        let object = json!({
            "replicas": 3, "size": 4, "off": false, "on": true, "null": null, "text": "5",
            "roles": [{"replicas": 7, "name": "a"}, {}],
            "groups": [{"members": ["b"], "scale": 2}, {"members": ["b", "a"], "scale": 6}],
        });
        for (text, expected) in [
            ("2", Some(2)),
            ("/replicas", Some(3)),
            ("/text", Some(5)),
            ("/absent", None),
            ("/null or 1", Some(1)),
            ("/absent or /size or 1", Some(4)),
            ("/replicas * (/size - 1)", Some(9)),
            ("1 + /replicas * /size", Some(13)),
            ("1 - 2", Some(0)),
            ("min(/size, /absent)", Some(4)),
            ("min(/size, /replicas)", Some(3)),
            ("min(/absent)", None),
            ("div(/size, /replicas)", Some(1)),
            ("div(/size, 0)", None),
            ("div(/size, /absent)", None),
            ("item(/groups, /members, /roles/*/name, /scale)", Some(6)),
            ("item(/groups, /members, /text, /scale) or 1", Some(1)),
            ("item(/groups, /scale, /roles/*/name, /scale)", None),
            ("item(/text, /members, /roles/*/name, /scale)", None),
            ("if(/on, 0, 1)", Some(0)),
            ("if(/off, 0, 1)", Some(1)),
            ("if(/absent, 0, 1)", Some(1)),
            ("0 * unknown", Some(0)),
            ("2 * unknown", None),
            ("/roles/*/replicas", Some(7)),
            ("4294967295 * 2", Some(u32::MAX)),
        ] {
            let count = Count::parse(text).unwrap();
            assert_eq!(count.of(&object, &["0".to_owned()]), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_told_with_its_place() {
        for (text, at, message) in [
            ("", 1, "the end is no number"),
            ("replicas", 1, "`replicas` is no number"),
            ("2 *", 4, "the end is no number"),
            ("2 3", 3, "`3` is not expected"),
            ("min(2", 6, "the end where `)` is expected"),
            ("if(2, 0, 1)", 4, "`2` is no JSON pointer"),
            ("div(1)", 6, "`)` where `,` is expected"),
            ("item(/a, 2, /b, /c)", 10, "`2` is no JSON pointer"),
        ] {
            let error = Count::parse(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.message.starts_with(message), "{text}: {error}");
        }
    }
}
