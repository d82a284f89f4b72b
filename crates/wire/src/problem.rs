//! What kind of refusal an error is, and the stable names under which clients are told.
//!
//! The server makes an `application/problem+json` of it: `type` ends in the slug, `detail` is the error's text.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc9457>

/// Which class of refusal an error belongs to; the server knows the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The body is not what it was declared to be (400).
    Syntax,
    /// No representation that the client accepts can be made (406).
    NotAcceptable,
    /// The media type or its profile is not supported (415).
    MediaType,
    /// Understood, but it cannot be done (422).
    Unprocessable,
}

/// A kind of problem: the same for every occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Last segment of the problem's type IRI; never changes its meaning.
    pub slug: &'static str,
    /// Short text for humans.
    pub title: &'static str,
    /// Its class.
    pub refusal: Refusal,
}

impl Problem {
    pub(crate) const fn new(slug: &'static str, title: &'static str, refusal: Refusal) -> Self {
        Self { slug, title, refusal }
    }
}
