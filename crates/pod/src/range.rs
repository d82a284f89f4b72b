//! One range of bytes of a stored body.
//!
//! Several ranges, other units and malformed values are ignored, as the standard allows: the whole is sent.
//!
//! Spec: RFC 9110 §14.

/// What a `Range` asks of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it.
    Whole,
    /// The bytes from the first to the last, both included.
    Part(u64, u64),
    /// Nothing that is there.
    Beyond,
}

/// Reads the value of `Range` for a body of that many bytes.
pub(crate) fn asked(range: Option<&str>, size: u64) -> Asked {
    let parsed = range
        .and_then(|value| value.trim().strip_prefix("bytes="))
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'));
    let Some((first, last)) = parsed else { return Asked::Whole };
    match (number(first), number(last)) {
        (Some(first), None) if last.is_empty() => within(first, u64::MAX, size),
        (Some(first), Some(last)) if first <= last => within(first, last, size),
        (None, Some(0)) if first.is_empty() => Asked::Beyond,
        (None, Some(suffix)) if first.is_empty() => within(size.saturating_sub(suffix), u64::MAX, size),
        _ => Asked::Whole,
    }
}

fn within(first: u64, last: u64, size: u64) -> Asked {
    if first >= size { Asked::Beyond } else { Asked::Part(first, last.min(size - 1)) }
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_cut_to_the_body_and_the_rest_is_ignored() {
        for (range, expected) in [
            (None, Asked::Whole),
            (Some("bytes=0-0"), Asked::Part(0, 0)),
            (Some("bytes=2-5"), Asked::Part(2, 5)),
            (Some("bytes=2-"), Asked::Part(2, 9)),
            (Some("bytes=8-100"), Asked::Part(8, 9)),
            (Some("bytes=-3"), Asked::Part(7, 9)),
            (Some("bytes=-30"), Asked::Part(0, 9)),
            (Some("bytes=10-"), Asked::Beyond),
            (Some("bytes=-0"), Asked::Beyond),
            (Some("bytes=5-2"), Asked::Whole),
            (Some("bytes=0-1,3-4"), Asked::Whole),
            (Some("bytes=-"), Asked::Whole),
            (Some("bytes=+1-2"), Asked::Whole),
            (Some("items=0-1"), Asked::Whole),
            (Some("bytes=99999999999999999999999-"), Asked::Whole),
        ] {
            assert_eq!(asked(range, 10), expected, "{range:?}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Beyond);
    }
}
