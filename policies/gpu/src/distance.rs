//! How far two names are apart, for suggestions.

/// Returns the number of edits between two texts when it is at most `limit`.
///
/// An edit is a letter inserted, left out or replaced, or two neighbours swapped
/// (Damerau-Levenshtein). The work grows with four to the power of `limit`, so that stays small.
pub(crate) fn within(left: &str, right: &str, limit: usize) -> Option<usize> {
    edits(left.as_bytes(), right.as_bytes(), limit)
}

fn edits(left: &[u8], right: &[u8], limit: usize) -> Option<usize> {
    let common = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let (_, left) = left.split_at(common);
    let (_, right) = right.split_at(common);
    let (Some((first_left, rest_left)), Some((first_right, rest_right))) =
        (left.split_first(), right.split_first())
    else {
        return Some(left.len().max(right.len())).filter(|missing| *missing <= limit);
    };
    let limit = limit.checked_sub(1)?;
    let swapped = match (rest_left.split_first(), rest_right.split_first()) {
        (Some((second_left, tail_left)), Some((second_right, tail_right)))
            if first_left == second_right && second_left == first_right =>
        {
            edits(tail_left, tail_right, limit)
        }
        _ => None,
    };
    [
        swapped,
        edits(rest_left, rest_right, limit),
        edits(rest_left, right, limit),
        edits(left, rest_right, limit),
    ]
    .into_iter()
    .flatten()
    .min()
    .map(|fewer| fewer + 1)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn counts_inserted_lost_replaced_and_swapped_letters() {
        assert_eq!(within("gpu", "gpu", 0), Some(0));
        assert_eq!(within("gpus", "gpu", 1), Some(1));
        assert_eq!(within("gp", "gpu", 1), Some(1));
        assert_eq!(within("cpu", "gpu", 1), Some(1));
        assert_eq!(within("gup", "gpu", 1), Some(1));
        assert_eq!(within("nvdai", "nvidia", 2), Some(2));
    }

    #[test]
    fn gives_up_past_the_limit() {
        assert_eq!(within("gpu", "tpus", 1), None);
        assert_eq!(within("", "gpu", 2), None);
        assert_eq!(within("gpu", "gpu-memory", 2), None);
    }
}
