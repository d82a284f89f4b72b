//! What was told already.

use std::collections::{HashSet, VecDeque};

/// Most ids that are remembered: more than lie between a cursor and a cut.
const MOST: usize = 4096;
/// Longest id that is remembered, in bytes: longer ones are of no server that means well.
const LONGEST: usize = 1024;

/// The ids of the newest notifications.
#[derive(Default)]
pub(crate) struct Seen {
    known: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
}

impl Seen {
    /// Whether this one is new; from now on it is not.
    pub(crate) fn is_new(&mut self, id: &str) -> bool {
        if id.len() > LONGEST {
            return true;
        }
        if !self.known.insert(id.into()) {
            return false;
        }
        self.order.push_back(id.into());
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_known_until_much_else_was_told() {
        let mut seen = Seen::default();
        assert!(seen.is_new("a") && !seen.is_new("a"));
        assert!((0..MOST).all(|number| seen.is_new(&number.to_string())));
        assert!(seen.is_new("a"), "the memory is bounded");
        assert_eq!(seen.order.len(), seen.known.len());
        let long = "x".repeat(LONGEST + 1);
        assert!(seen.is_new(&long) && seen.is_new(&long), "and so is each id");
    }
}
