//! What a browser gets: a page, or the way to another.

/// What a page is about; `server` chooses the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageKind {
    /// The log-in form, asked for or asked again.
    LogIn,
    /// The log-in form again: name or password was wrong.
    LogInRefused,
    /// The log-in form again: there were too many wrong attempts.
    TooManyAttempts,
    /// The consent form.
    Consent,
    /// Asks whether to log out.
    LogOut,
    /// Says that one is logged out.
    LoggedOut,
    /// Somebody's own account.
    Account,
    /// Their account again: what they asked for was not done.
    AccountRefused,
    /// The sign-up form.
    SignUp,
    /// The sign-up form again: what was filled in will not do.
    SignUpRefused,
    /// The invitation is no good.
    NoInvitation,
    /// The request is wrong, and its redirect URI is not to be trusted.
    BadRequest,
    /// The provider failed.
    Failed,
}

/// A complete page. Serve it with [`crate::pages::content_security_policy`] and `Cache-Control: no-store`. Its forms
/// hold tokens, so it has no `Debug` form.
#[derive(Clone)]
pub struct Page {
    /// What it is about.
    pub kind: PageKind,
    /// The document, UTF-8.
    pub html: String,
}

/// What to do next.
#[derive(Clone)]
pub enum Next {
    /// Show a page.
    Page(Page),
    /// Send the browser there with GET (303). Holds a code: not for the log.
    Redirect(String),
}

/// An answer to a browser.
#[derive(Clone)]
pub struct Answer {
    /// What to do.
    pub next: Next,
    /// Value of a `Set-Cookie` header.
    pub set_cookie: Option<String>,
}

impl Answer {
    pub(crate) fn page(kind: PageKind, html: String) -> Self {
        Self { next: Next::Page(Page { kind, html }), set_cookie: None }
    }

    pub(crate) fn redirect(to: String) -> Self {
        Self { next: Next::Redirect(to), set_cookie: None }
    }

    #[must_use]
    pub(crate) fn with_cookie(self, set_cookie: Option<String>) -> Self {
        Self { set_cookie, ..self }
    }
}
