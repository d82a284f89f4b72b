//! The pages of people's own accounts: sign-up, and the overview of an account.

use super::{document, escape, hidden, notice, wide_document};
use crate::{MIN_PASSWORD, NewCredentials, store::ClientCredentials};
use podbell_model::Timestamp;
use std::fmt::Write as _;

/// The sign-up form.
pub(crate) struct SignUp<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: &'a str,
    /// What is filled in already.
    pub(crate) name: &'a str,
    /// Whether no other name will do.
    pub(crate) is_fixed: bool,
    /// What went wrong; may be empty.
    pub(crate) notice: &'a str,
}

/// An app that somebody has given access.
pub(crate) struct AppShown {
    pub(crate) id: String,
    /// What it calls itself; may be empty.
    pub(crate) name: String,
    /// Where its answers go; may be empty.
    pub(crate) host: String,
    /// When it last renewed its access, if it stays logged in.
    pub(crate) used: Option<Timestamp>,
}

/// What came of the last step.
#[derive(Clone, Copy)]
pub(crate) enum Told<'a> {
    Nothing,
    Done(&'a str),
    Warning(&'a str),
}

/// Everything about an account that its person sees.
pub(crate) struct Overview<'a> {
    pub(crate) action: &'a str,
    pub(crate) log_out: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) account: &'a str,
    pub(crate) webid: &'a str,
    pub(crate) issuer: &'a str,
    /// Where people see who listens to their pods.
    pub(crate) console: Option<&'a str>,
    pub(crate) told: Told<'a>,
    pub(crate) apps: &'a [AppShown],
    pub(crate) credentials: &'a [ClientCredentials],
    /// Credentials that were made just now, and their name.
    pub(crate) new: Option<(&'a str, &'a NewCredentials)>,
    /// Other browsers that this person is logged in at.
    pub(crate) other_sessions: usize,
    /// Whether lasting access is given only with the password.
    pub(crate) asks_password: bool,
}

pub(crate) fn sign_up(page: &SignUp<'_>) -> String {
    let fixed = if page.is_fixed { " readonly" } else { " autofocus" };
    let body = format!(
        "<h1>Make an account</h1><p>You are invited. The account comes with a pod, and your name becomes part of its \
         address.</p><p class=\"soft\">{rule}Password: {MIN_PASSWORD} characters or more.</p>{notice}\
         <form method=\"post\" action=\"{action}\">{csrf}\
         <label for=\"name\">Name</label>\
         <input id=\"name\" name=\"name\" value=\"{name}\" autocomplete=\"username\" autocapitalize=\"none\" \
         spellcheck=\"false\" maxlength=\"63\" pattern=\"[a-z0-9]([a-z0-9\\-]*[a-z0-9])?\" \
         title=\"a-z, 0-9 and '-' inside\" required{fixed}>\
         {password}{again}\
         <button class=\"main\" name=\"action\" value=\"sign-up\">Make the account</button></form>",
        notice = notice(page.notice),
        rule = if page.is_fixed { "" } else { "Name: a-z, 0-9 and -, such as anna-b. " },
        action = escape(page.action),
        csrf = hidden(page.csrf),
        name = escape(page.name),
        password = new_password("password", "Password"),
        again = new_password("again", "Password once more"),
    );
    document("Make an account", &body)
}

pub(crate) fn no_invitation() -> String {
    document(
        "No invitation",
        "<h1>No invitation</h1><p class=\"notice\" role=\"alert\">This invitation has been used, has expired, or never \
         was one.</p><p>If it was you who used it, you can log in. Otherwise ask for another one.</p>",
    )
}

/// Says what is wrong with a request that no app made.
pub(crate) fn refused(description: &str) -> String {
    let body = format!(
        "<h1>This does not work</h1><p class=\"notice\" role=\"alert\">{}</p><p>Go back and try again.</p>",
        escape(description)
    );
    document("This does not work", &body)
}

pub(crate) fn left_everywhere() -> String {
    document(
        "Logged out",
        "<h1>Logged out everywhere</h1><p>You are logged out in every browser, and no app stays logged in. What apps \
         hold now ends within ten minutes. Programs keep their credentials.</p>",
    )
}

pub(crate) fn overview(page: &Overview<'_>) -> String {
    let body = format!(
        "<h1><bdi>{account}</bdi></h1><p class=\"soft\"><a href=\"{webid}\">{webid}</a></p>{console}{told}{new}{apps}\
         {credentials}{password}{sessions}",
        account = escape(page.account),
        webid = escape(page.webid),
        console = page.console.map(console).unwrap_or_default(),
        told = told(page.told),
        new = page.new.map(|(label, new)| made(page, label, new)).unwrap_or_default(),
        apps = apps(page),
        credentials = credentials(page),
        password = password(page),
        sessions = sessions(page),
    );
    wide_document("Your account", &body)
}

fn console(url: &str) -> String {
    format!("<p><a href=\"{}\">Who listens to your pods</a></p>", escape(url))
}

fn told(told: Told<'_>) -> String {
    match told {
        Told::Nothing => String::new(),
        Told::Done(text) => format!("<p class=\"done\" role=\"status\">{}</p>", escape(text)),
        Told::Warning(text) => notice(text),
    }
}

/// The one moment when a secret is seen.
fn made(page: &Overview<'_>, label: &str, new: &NewCredentials) -> String {
    format!(
        "<section class=\"new\" role=\"status\"><h2>Credentials for <bdi>{label}</bdi></h2>\
         <p class=\"notice\">Copy the secret now: it is shown this once.</p>\
         <dl><dt>Issuer</dt><dd><code>{issuer}</code></dd><dt>Client id</dt><dd><code id=\"client-id\">{id}</code></dd>\
         <dt>Client secret</dt><dd><code id=\"client-secret\">{secret}</code></dd></dl></section>",
        label = escape(label),
        issuer = escape(page.issuer),
        id = escape(&new.id),
        secret = escape(&new.secret),
    )
}

fn apps(page: &Overview<'_>) -> String {
    let mut text = format!(
        "<section><h2>Apps</h2><p class=\"soft\">Give this to an app that asks for your provider: \
         <code id=\"provider\">{}</code></p>",
        escape(page.issuer)
    );
    if page.apps.is_empty() {
        text += "<p class=\"soft\">No app has access.</p>";
    } else {
        text += "<ul>";
    }
    for app in page.apps {
        let name = match (app.name.as_str(), app.host.as_str()) {
            ("", "") => "An application",
            ("", host) => host,
            (name, _) => name,
        };
        let at = if app.host.is_empty() || name == app.host {
            String::new()
        } else {
            format!(" at <strong>{}</strong>", escape(&app.host))
        };
        let used = app.used.map_or_else(
            || "agreed to since you logged in".to_owned(),
            |used| format!("stays logged in; last renewed {}", time(used)),
        );
        let _ = write!(
            text,
            "<li><div><strong><bdi>{name}</bdi></strong>{at}<br><span class=\"soft\">{used}</span></div>{form}</li>",
            name = escape(name),
            form = small_form(page, "client", &app.id, "revoke-app", "Withdraw", name),
        );
    }
    text + if page.apps.is_empty() { "</section>" } else { "</ul></section>" }
}

fn credentials(page: &Overview<'_>) -> String {
    let mut text = "<section><h2>Programs</h2><p class=\"soft\">A bot or script acts as you with credentials of its \
                    own, until you revoke them.</p>"
        .to_owned();
    if !page.credentials.is_empty() {
        text += "<ul>";
    }
    for one in page.credentials {
        let name = if one.name.trim().is_empty() { "(no name)" } else { &*one.name };
        let _ = write!(
            text,
            "<li><div><strong><bdi>{name}</bdi></strong><br><span class=\"soft\"><code>{id}</code><br>made \
             {created}</span></div>{form}</li>",
            name = escape(name),
            id = escape(&one.id),
            created = time(one.created),
            form = small_form(page, "id", &one.id, "revoke-credentials", "Revoke", name),
        );
    }
    if !page.credentials.is_empty() {
        text += "</ul>";
    }
    let password =
        if page.asks_password { current_password("credentials-current", "Your password") } else { String::new() };
    let _ = write!(
        text,
        "<form method=\"post\" action=\"{}\">{}<label for=\"label\">Name of the program</label>\
         <input id=\"label\" name=\"label\" maxlength=\"64\" autocomplete=\"off\" required>{password}\
         <button name=\"action\" value=\"new-credentials\">Make credentials</button></form></section>",
        escape(page.action),
        hidden(page.csrf),
    );
    text
}

fn password(page: &Overview<'_>) -> String {
    format!(
        "<section><h2>Password</h2><p class=\"soft\">A new password has {MIN_PASSWORD} characters or more. It \
         logs you out everywhere else, and every app.</p>\
         <form method=\"post\" action=\"{action}\">{csrf}\
         <input name=\"username\" value=\"{account}\" autocomplete=\"username\" hidden readonly>\
         {current}{new}{again}<button name=\"action\" value=\"password\">Change the password</button></form></section>",
        action = escape(page.action),
        csrf = hidden(page.csrf),
        account = escape(page.account),
        current = current_password("current", "Current password"),
        new = new_password("new", "New password"),
        again = new_password("again", "New password once more"),
    )
}

fn sessions(page: &Overview<'_>) -> String {
    let others = match page.other_sessions {
        0 => "You are logged in with this browser only.".to_owned(),
        1 => "You are logged in with this browser and one other.".to_owned(),
        many => format!("You are logged in with this browser and {many} others."),
    };
    format!(
        "<section><h2>Sessions</h2><p class=\"soft\">{others}</p>\
         <form method=\"post\" action=\"{}\">{}<button name=\"action\" value=\"everywhere\">Log out everywhere, and every \
         app</button></form><p class=\"last\"><a href=\"{}\">Log out here</a></p></section>",
        escape(page.action),
        hidden(page.csrf),
        escape(page.log_out),
    )
}

/// A form of one button, for one thing of a list.
fn small_form(page: &Overview<'_>, field: &str, value: &str, action: &str, label: &str, of: &str) -> String {
    format!(
        "<form method=\"post\" action=\"{}\">{}<input type=\"hidden\" name=\"{field}\" value=\"{}\">\
         <button class=\"small\" name=\"action\" value=\"{action}\" aria-label=\"{label} {}\">{label}</button></form>",
        escape(page.action),
        hidden(page.csrf),
        escape(value),
        escape(of),
    )
}

fn current_password(id: &str, label: &str) -> String {
    format!(
        "<label for=\"{id}\">{label}</label><input id=\"{id}\" name=\"current\" type=\"password\" \
         autocomplete=\"current-password\" maxlength=\"1024\" required>"
    )
}

fn new_password(name: &str, label: &str) -> String {
    format!(
        "<label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"password\" \
         autocomplete=\"new-password\" minlength=\"{MIN_PASSWORD}\" maxlength=\"1024\" required>"
    )
}

fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SecretHash;
    use podbell_model::WebId;

    const ATTACK: &str = "\"><script>alert(1)</script>'&\u{202e}";

    #[test]
    fn no_name_and_no_label_becomes_markup() {
        let app = |name: &str| AppShown { id: ATTACK.into(), name: name.into(), host: ATTACK.into(), used: None };
        let credentials = [ClientCredentials {
            id: ATTACK.into(),
            secret: SecretHash([0; 32]),
            webid: WebId::new(ATTACK),
            name: ATTACK.into(),
            created: Timestamp::UNIX_EPOCH,
        }];
        let new = NewCredentials { id: ATTACK.into(), secret: ATTACK.into() };
        let page = overview(&Overview {
            action: ATTACK,
            log_out: ATTACK,
            csrf: ATTACK,
            account: ATTACK,
            webid: ATTACK,
            issuer: ATTACK,
            console: Some(ATTACK),
            told: Told::Warning(ATTACK),
            apps: &[app(ATTACK), app("")],
            credentials: &credentials,
            new: Some((ATTACK, &new)),
            other_sessions: 2,
            asks_password: true,
        });
        let form = SignUp { action: ATTACK, csrf: ATTACK, name: ATTACK, is_fixed: true, notice: ATTACK };
        for html in [page, sign_up(&form), refused(ATTACK)] {
            assert!(!html.contains("<script") && !html.contains('\u{202e}'), "{html}");
            assert!(html.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;\u{fffd}"), "{html}");
        }
    }

    #[test]
    fn a_secret_is_shown_when_it_is_made_and_never_again() {
        let new = NewCredentials { id: "the-id".into(), secret: "the-secret".into() };
        let page = |new| {
            overview(&Overview {
                action: "/",
                log_out: "/",
                csrf: "x",
                account: "alice",
                webid: "https://x/#me",
                issuer: "https://x/",
                console: None,
                told: Told::Nothing,
                apps: &[],
                credentials: &[],
                new,
                other_sessions: 0,
                asks_password: false,
            })
        };
        assert!(page(Some(("bot", &new))).contains("the-secret"));
        assert!(page(None).contains("<code id=\"provider\">https://x/</code>"), "apps ask for it");
        assert!(!page(None).contains("the-secret"));
    }
}
