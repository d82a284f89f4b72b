//! Access modes, and sets of them.
//!
//! Append is a part of Write: whoever may write may append, so the set that holds Write holds Append. Control is apart
//! from all others.
//!
//! Spec: <https://solidproject.org/TR/wac#access-modes>

use podbell_model::vocab::acl;
use std::{fmt, ops::BitOr};

/// One access mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `acl:Read`
    Read,
    /// `acl:Write`
    Write,
    /// `acl:Append`
    Append,
    /// `acl:Control`
    Control,
}

impl Mode {
    /// All of them, in the order in which `WAC-Allow` names them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Append, Self::Control];

    /// The mode with that IRI; none for a mode of another vocabulary, which grants nothing.
    pub fn from_iri(iri: &str) -> Option<Self> {
        Some(match iri.strip_prefix(acl::NS)? {
            "Read" => Self::Read,
            "Write" => Self::Write,
            "Append" => Self::Append,
            "Control" => Self::Control,
            _ => return None,
        })
    }

    /// Its name in `WAC-Allow`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Append => "append",
            Self::Control => "control",
        }
    }
}

/// A set of access modes. Displayed as in `WAC-Allow`: `read write append control`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Modes(u8);

impl Modes {
    /// No mode.
    pub const NONE: Self = Self(0);
    /// Read.
    pub const READ: Self = Self(1);
    /// Append.
    pub const APPEND: Self = Self(2);
    /// Write, and with it Append.
    pub const WRITE: Self = Self(4 | 2);
    /// Control.
    pub const CONTROL: Self = Self(8);
    /// All four.
    pub const ALL: Self = Self(15);

    /// Whether every mode of `need` is in this set.
    pub fn meets(self, need: Self) -> bool {
        self.0 & need.0 == need.0
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The modes that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl From<Mode> for Modes {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Read => Self::READ,
            Mode::Write => Self::WRITE,
            Mode::Append => Self::APPEND,
            Mode::Control => Self::CONTROL,
        }
    }
}

impl BitOr for Modes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl FromIterator<Modes> for Modes {
    fn from_iter<I: IntoIterator<Item = Modes>>(sets: I) -> Self {
        sets.into_iter().fold(Self::NONE, BitOr::bitor)
    }
}

impl fmt::Display for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for mode in Mode::ALL.into_iter().filter(|mode| self.meets((*mode).into())) {
            write!(f, "{separator}{}", mode.name())?;
            separator = " ";
        }
        Ok(())
    }
}

impl fmt::Debug for Modes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_meets_a_need_for_append_and_not_the_other_way() {
        assert!(Modes::WRITE.meets(Modes::APPEND));
        assert!(!Modes::APPEND.meets(Modes::WRITE));
        assert!(!Modes::CONTROL.meets(Modes::READ));
        assert!(!(Modes::READ | Modes::WRITE).meets(Modes::CONTROL));
    }

    #[test]
    fn sets_are_written_as_in_wac_allow() {
        assert_eq!(Modes::ALL.to_string(), "read write append control");
        assert_eq!((Modes::APPEND | Modes::READ).to_string(), "read append");
        assert_eq!(Modes::NONE.to_string(), "");
    }

    #[test]
    fn modes_of_other_vocabularies_are_none() {
        assert_eq!(Mode::from_iri("http://www.w3.org/ns/auth/acl#Append"), Some(Mode::Append));
        assert_eq!(Mode::from_iri("http://www.w3.org/ns/auth/acl#read"), None);
        assert_eq!(Mode::from_iri("http://example.org/acl#Read"), None);
    }
}
