//! The page where somebody who was invited makes an account.

use crate::{
    AccountError, OAuthError, Provider,
    answer::{Answer, PageKind},
    authorize::BrowserRequest,
    form::Purpose,
    hosting::Hosting,
    invitation::SignUpError,
    pages,
    params::Params,
    store::Invitation,
};

/// One visit with an invitation that is good.
struct Visit<'a> {
    browser: BrowserRequest<'a>,
    secret: &'a str,
    invitation: &'a Invitation,
}

impl Provider {
    /// Answers at the sign-up page, GET and POST.
    pub async fn sign_up(&self, browser: BrowserRequest<'_>, hosting: &dyn Hosting) -> Answer {
        match self.invited(browser, hosting).await {
            Ok(answer) => answer,
            Err(error) if error.cause.is_some() => Self::failed(error),
            Err(error) => Answer::page(PageKind::BadRequest, pages::account::refused(&error.description)),
        }
    }

    async fn invited(&self, browser: BrowserRequest<'_>, hosting: &dyn Hosting) -> Result<Answer, OAuthError> {
        let (params, form) = browser.read()?;
        let secret = params.get("invitation").unwrap_or_default();
        let Some(invitation) = self.invitation(secret, browser.now).await? else { return Ok(gone()) };
        let visit = Visit { browser, secret, invitation: &invitation };
        if browser.foreign {
            return Ok(Answer::redirect(self.sign_up_url(secret)));
        }
        match form {
            None => self.ask_sign_up(&visit, PageKind::SignUp, "", ""),
            Some(form) => self.filled_in(&visit, &form, hosting).await,
        }
    }

    async fn filled_in(&self, visit: &Visit<'_>, form: &Params, hosting: &dyn Hosting) -> Result<Answer, OAuthError> {
        let Visit { browser, secret, .. } = visit;
        let field = |name| form.get(name).unwrap_or_default();
        let name = field("name");
        let again = |notice: &str| self.ask_sign_up(visit, PageKind::SignUpRefused, name, notice);
        if !self.is_own_form(form.get("csrf"), Purpose::SignUp, browser.cookie, secret) {
            return again("The form was too old, or cookies are off. Please try again.");
        }
        if field("password") != field("again") {
            return again("The two passwords differ.");
        }
        let account = match self.accept(secret, name, field("password"), hosting, browser.now).await {
            Ok(account) => account,
            Err(SignUpError::Gone) => return Ok(gone()),
            Err(SignUpError::OnlyFor(only)) => {
                let notice = format!("This invitation is good for the name {only} only.");
                return self.ask_sign_up(visit, PageKind::SignUpRefused, &only, &notice);
            }
            Err(SignUpError::Account(AccountError::Provider(error))) => return Err(error),
            // Whoever signs up chooses a name, and no WebID.
            Err(SignUpError::Account(AccountError::Taken)) => {
                return again("There is an account of that name already.");
            }
            Err(SignUpError::Account(error)) => return again(&sentence(&error.to_string())),
        };
        // Whoever was logged in here is so no longer.
        if let Some(cookie) = browser.cookie {
            self.sessions.close(cookie);
        }
        let (cookie, _) = self.open_session(account, browser.now)?;
        Ok(Answer::redirect(self.account_url("welcome")).with_cookie(Some(self.set_cookie(&cookie))))
    }

    fn ask_sign_up(&self, visit: &Visit<'_>, kind: PageKind, filled: &str, notice: &str) -> Result<Answer, OAuthError> {
        let (cookie, set_cookie) = self.browser_cookie(visit.browser.cookie)?;
        let html = pages::account::sign_up(&pages::account::SignUp {
            action: &self.sign_up_url(visit.secret),
            csrf: &self.form_token(Purpose::SignUp, &cookie, visit.secret),
            name: visit.invitation.only_name().unwrap_or(filled),
            is_fixed: visit.invitation.only_name().is_some(),
            notice,
        });
        Ok(Answer::page(kind, html).with_cookie(set_cookie))
    }
}

fn gone() -> Answer {
    Answer::page(PageKind::NoInvitation, pages::account::no_invitation())
}

/// An error as a sentence for people.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
