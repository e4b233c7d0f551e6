//! What a container runs, and over how many devices it is told to spread.

use std::rc::Rc;

use tollgate_gpu::{Elsewhere, Factor, Invocation, Spread, Workload, recognise, spread};

use crate::{Container, Words};

/// A known program that a container runs.
#[derive(Clone, Debug)]
pub struct Program {
    /// What is known of it.
    pub known: &'static Workload,
    /// The words that it is started with.
    pub words: Rc<Words>,
}

/// What a container says about one factor of its parallelism.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Degree {
    /// Nothing.
    Untold,
    /// A literal number.
    Is(u32),
    /// Something that is no literal number, or several numbers.
    Unclear,
}

/// Over how many devices a program is told to spread, by literal numbers alone.
#[derive(Clone, Debug)]
pub struct Parallelism {
    /// How it is told.
    pub spread: &'static Spread,
    /// The factors that are told, with their values; none where the program's own default holds.
    pub told: Vec<(&'static Factor, u32)>,
}

/// Reads what [`Container::workload`] gives.
pub(crate) fn recognised(container: &Container) -> Option<&'static Workload> {
    recognise(&Invocation {
        image: container.image().as_deref().unwrap_or_default(),
        command: &container.command(),
        args: &container.args(),
    })
}

impl Program {
    /// The known program that a container runs.
    pub fn of(container: &Container) -> Option<Self> {
        Some(Self {
            known: container.workload()?,
            words: container.words(),
        })
    }

    /// Over how many devices it is told to spread; `None` where the program has no such notion, or where a number is
    /// not literal.
    pub fn parallelism(&self, container: &Container) -> Option<Parallelism> {
        let spread = spread(self.known.name)?;
        let mut told = Vec::new();
        for factor in spread.factors {
            match degree(factor, container) {
                Degree::Untold => {}
                Degree::Is(0) | Degree::Unclear => return None,
                Degree::Is(number) => told.push((*factor, number)),
            }
        }
        Some(Parallelism { spread, told })
    }
}

impl Parallelism {
    /// How many devices: the product of what is told, else the program's default where it has one.
    pub fn devices(&self) -> Option<u64> {
        if self.told.is_empty() {
            return self.spread.untold.map(u64::from);
        }
        let numbers = self.told.iter().map(|(_, number)| u64::from(*number));
        Some(numbers.fold(1, u64::saturating_mul))
    }

    /// Whether the words of the program tell that more stands elsewhere: with other pods, or in a file.
    pub fn goes_on_elsewhere(&self, words: &Words) -> bool {
        self.is_told(words, |_| true)
    }

    /// Whether the words of the program tell that more stands elsewhere than with the pods of one group.
    pub fn goes_on_outside_the_group(&self, words: &Words) -> bool {
        self.is_told(words, |elsewhere| !elsewhere.in_group)
    }

    fn is_told(&self, words: &Words, such: impl Fn(&Elsewhere) -> bool) -> bool {
        let is_given = |elsewhere: &Elsewhere| {
            let mut values = words.values(elsewhere.flags);
            values.any(|value| elsewhere.unless != Some(value))
        };
        let mut elsewhere = self.spread.elsewhere.iter().filter(|one| such(one));
        elsewhere.any(is_given)
    }
}

/// What a container says about a factor: by flag, else by variable.
pub fn degree(factor: &Factor, container: &Container) -> Degree {
    let words = container.words();
    if factor
        .unless
        .is_some_and(|flag| words.values(&[flag]).next().is_some())
    {
        return Degree::Untold;
    }
    let mut values = words.values(factor.flags);
    match (values.next(), values.next()) {
        (Some(value), None) => number(value),
        // Perhaps of two commands in one script, each with its own.
        (Some(_), Some(_)) => Degree::Unclear,
        (None, _) => by_variable(factor, container),
    }
}

fn by_variable(factor: &Factor, container: &Container) -> Degree {
    match factor.variable.and_then(|name| container.env(name)) {
        None => Degree::Untold,
        Some(variable) => number(variable.value.as_deref().unwrap_or_default()),
    }
}

fn number(text: &str) -> Degree {
    text.parse().map_or(Degree::Unclear, Degree::Is)
}
