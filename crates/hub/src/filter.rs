//! What of the changes that concern its topics a channel wants to hear.

use crate::Relation;
use podbell_model::{Activity, ActivityKind, Subject};

/// Chooses among notifications; the default chooses all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// One bit for each kind; see [`Filter::bit`].
    kinds: u8,
    /// Leave out what the channel's own agent has done.
    pub not_by_subject: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self { kinds: Self::ALL, not_by_subject: false }
    }
}

impl Filter {
    /// What channels hear that ask for nothing.
    const ALL: u8 = 0b11111;
    const EVERY: u8 = 0b11_1111;

    /// All, and of a container that its members were updated too.
    pub fn with_members() -> Self {
        Self { kinds: Self::EVERY, not_by_subject: false }
    }

    /// Only these kinds.
    pub fn only(kinds: impl IntoIterator<Item = (Relation, ActivityKind)>) -> Self {
        let kinds = kinds.into_iter().fold(0, |kinds, (relation, kind)| kinds | Self::bit(relation, kind));
        Self { kinds, ..Self::default() }
    }

    /// The number under which the kinds are kept; never changes its meaning.
    pub fn code(self) -> u8 {
        self.kinds
    }

    /// The kinds kept under that number.
    pub fn from_code(code: u8, not_by_subject: bool) -> Self {
        Self { kinds: code & Self::EVERY, not_by_subject }
    }

    /// Whether a kind is among those that are heard.
    pub fn has(self, relation: Relation, kind: ActivityKind) -> bool {
        self.kinds & Self::bit(relation, kind) != 0
    }

    pub(crate) fn passes(self, relation: Relation, activity: &Activity, subject: &Subject) -> bool {
        let own = || activity.actor.is_some() && activity.actor == subject.webid;
        self.has(relation, activity.kind) && !(self.not_by_subject && own())
    }

    fn bit(relation: Relation, kind: ActivityKind) -> u8 {
        match (relation, kind) {
            (Relation::Object, ActivityKind::Create) => 1,
            (Relation::Object, ActivityKind::Update) => 2,
            (Relation::Object, ActivityKind::Delete) => 4,
            (Relation::Member, ActivityKind::Create) => 8,
            (Relation::Member, ActivityKind::Delete) => 16,
            (Relation::Member, ActivityKind::Update) => 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_keep_their_numbers() {
        use {ActivityKind::*, Relation::*};
        for (number, kind) in [
            (1, (Object, Create)),
            (2, (Object, Update)),
            (4, (Object, Delete)),
            (8, (Member, Create)),
            (16, (Member, Delete)),
            (32, (Member, Update)),
        ] {
            assert_eq!(Filter::only([kind]).code(), number);
            assert!(Filter::from_code(number, false).has(kind.0, kind.1));
        }
        assert_eq!(Filter::default().code(), 31);
        assert_eq!(Filter::with_members().code(), 63);
        assert!(!Filter::default().has(Member, Update));
        assert!(!Filter::only([(Object, Update)]).has(Member, Create));
    }
}
