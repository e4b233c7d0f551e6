//! How budgets stand, for people.

use std::io::{self, Write};

use tollgate_cluster::prometheus::WINDOW;
use tollgate_gpu::{Amount, Unit};

use super::shares::{Largest, Shares};
use super::standing::{LimitStanding, Standing};
use super::utilisation::{Held, Utilisation};

/// How many characters a bar has.
const WIDTH: usize = 20;

/// How many are named of those that hold something.
const NAMED: usize = 10;

/// Prints each budget: its limits with a bar, and below each who takes what.
pub(super) fn write(standings: &[Standing], out: &mut dyn Write) -> io::Result<()> {
    if standings.is_empty() {
        return writeln!(out, "no budgets");
    }
    for (index, standing) in standings.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        budget(standing, out)?;
    }
    Ok(())
}

fn budget(standing: &Standing, out: &mut dyn Write) -> io::Result<()> {
    let Standing {
        name,
        on_exceed,
        contact,
        currency,
        pods,
        limits,
        utilisation,
    } = standing;
    let pods = pods.map(|pods| {
        let many = if pods == 1 { "" } else { "s" };
        format!("{pods} live pod{many}; ")
    });
    let contact = contact.as_ref().map(|contact| format!(", ask {contact}"));
    writeln!(
        out,
        "{name}  ({}on exceed: {on_exceed}{})",
        pods.unwrap_or_default(),
        contact.unwrap_or_default()
    )?;
    let keys = limits.iter().map(|one| one.limit.key().as_str().len());
    let width = keys.max().unwrap_or_default();
    for one in limits {
        limit(one, currency.as_deref(), width, out)?;
    }
    utilisation.as_ref().map_or(Ok(()), |it| busy(it, out))
}

/// What is held, how busy it was, and who holds most for nothing.
fn busy(utilisation: &Utilisation, out: &mut dyn Write) -> io::Result<()> {
    let told = |held: &Held| held.told(|amount| utilisation.text(amount));
    let whole = told(&utilisation.whole);
    writeln!(
        out,
        "  GPUs held and how busy they were, mean of {WINDOW}: {whole}"
    )?;
    let namespaces = utilisation.namespaces.iter();
    let namespaces = namespaces
        .map(|(name, held)| (name.as_str(), held))
        .collect();
    for (what, shares) in [
        ("by namespace", namespaces),
        ("idlest owners", utilisation.idlest()),
    ] {
        if !shares.is_empty() {
            let shares = shares.into_iter().take(NAMED);
            let shares: Vec<_> = shares
                .map(|(name, held)| format!("{name} {}", told(held)))
                .collect();
            writeln!(out, "    {what}: {}", shares.join("; "))?;
        }
    }
    Ok(())
}

fn limit(
    standing: &LimitStanding,
    currency: Option<&str>,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let LimitStanding {
        limit,
        used,
        reserved,
        resets,
        namespaces,
        models,
        owners,
    } = standing;
    let text = |amount: Amount| amount.text(limit.unit);
    let currency = currency.filter(|_| limit.unit == Unit::Money);
    let currency = currency.map(|word| format!(" {word}")).unwrap_or_default();
    let reserved = match reserved.is_zero() {
        true => String::new(),
        false => format!(", {} reserved", text(*reserved)),
    };
    let resets = resets.as_ref().map(|at| format!(", begins anew at {at}"));
    writeln!(
        out,
        "  {:width$}  {}  {} of {}{currency} used{reserved}{}",
        limit.key().as_str(),
        bar(*used, standing.reserved, limit.amount),
        text(*used),
        text(limit.amount),
        resets.unwrap_or_default()
    )?;
    let per = if limit.unit.adds_up() { " an hour" } else { "" };
    for (what, shares) in [
        ("by namespace", namespaces),
        ("by model", models),
        ("by owner", owners),
    ] {
        if let Some(listed) = listed(shares, text) {
            writeln!(out, "    {what}{per}: {listed}")?;
        }
    }
    Ok(())
}

/// The largest shares, and the others as one.
fn listed(shares: &Shares, text: impl Fn(Amount) -> String) -> Option<String> {
    let Largest {
        shares,
        others,
        rest,
    } = shares.largest(NAMED)?;
    let shares = shares.into_iter();
    let mut each: Vec<_> = shares
        .map(|(name, amount)| format!("{name} {}", text(amount)))
        .collect();
    if others > 0 {
        each.push(format!("{others} more {}", text(rest)));
    }
    Some(each.join(", "))
}

/// A bar of what is used and what is reserved, and how much that is of the whole.
fn bar(used: Amount, reserved: Amount, whole: Amount) -> String {
    let cells = |amount: Amount| {
        let cells = amount.times(u128::try_from(WIDTH).unwrap_or(0));
        let cells = cells
            .ok()
            .and_then(|all| all.atoms().checked_div(whole.atoms()));
        cells.map_or(WIDTH, |cells| {
            usize::try_from(cells).unwrap_or(WIDTH).min(WIDTH)
        })
    };
    let taken = used.plus(reserved).unwrap_or(Amount::from_atoms(u128::MAX));
    let (full, all) = (cells(used), cells(taken));
    let percent = taken.times(100).ok();
    let percent = percent.and_then(|all| all.atoms().checked_div(whole.atoms()));
    let percent = percent.map_or_else(|| "  ∞ ".to_owned(), |percent| format!("{percent:3}%"));
    format!(
        "{}{}{} {percent}",
        "█".repeat(full),
        "▒".repeat(all - full),
        "░".repeat(WIDTH - all)
    )
}

#[cfg(test)]
mod tests {
    use tollgate_gpu::Amount;

    use super::bar;

    fn atoms(used: u128, reserved: u128, whole: u128) -> String {
        let [used, reserved, whole] = [used, reserved, whole].map(Amount::from_atoms);
        bar(used, reserved, whole)
    }

    #[test]
    fn a_bar_shows_what_is_used_and_what_is_reserved() {
        assert_eq!(atoms(5, 5, 20), "█████▒▒▒▒▒░░░░░░░░░░  50%");
        assert_eq!(atoms(0, 0, 20), "░░░░░░░░░░░░░░░░░░░░   0%");
        assert_eq!(atoms(30, 0, 20), "████████████████████ 150%");
        assert_eq!(atoms(0, 0, 0), "████████████████████   ∞ ");
    }
}
