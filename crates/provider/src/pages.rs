//! The pages that people see: plain HTML without scripts or foreign resources.
//!
//! Every value is escaped where it is written; what a client says of itself is shown as its claim.

pub(crate) mod account;

use crate::{client::Client, form::shown_host, random};
use base64::{Engine, engine::general_purpose::STANDARD};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d1b26;--soft:#625d72;--line:#d9d5e3;--card:#fff;--back:#f4f2f9;--key:#5b3fd6;--on:#fff;--warn:#a3123a}\
@media(prefers-color-scheme:dark){:root{--ink:#eeebf7;--soft:#aaa4bd;--line:#3c374c;--card:#211e2b;--back:#15131c;--key:#a28fff;--on:#15131c;--warn:#ff8ba7}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
main{width:100%;max-width:26rem;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:1rem}\
h1{margin:0 0 .75rem;font-size:1.4rem;line-height:1.25}\
p{margin:0 0 1rem}\
.brand{color:var(--key);font-weight:600;margin-bottom:1.25rem}\
a{color:var(--key)}\
dl{margin:0}\
dt{color:var(--soft);font-size:.9rem}\
dd{margin:0 0 1rem}\
dd:last-child{margin:0}\
.soft{color:var(--soft);font-size:.9rem}\
.notice{color:var(--warn);font-weight:600}\
main.wide{max-width:38rem}\
section{margin-top:1.5rem;padding-top:1.25rem;border-top:1px solid var(--line)}\
section.new{padding:1rem;border:2px solid var(--key);border-radius:.75rem}\
h2{margin:0 0 .5rem;font-size:1.1rem}\
ul{list-style:none;margin:0 0 1rem;padding:0}\
li{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;justify-content:space-between;padding:.6rem 0;border-bottom:1px solid var(--line)}\
li div{flex:1 1 14rem;min-width:0;overflow-wrap:anywhere}\
.done{color:var(--key);font-weight:600}\
.last{margin:1rem 0 0}\
a,code,strong{overflow-wrap:anywhere}\
label{display:block;font-weight:600;margin-bottom:.25rem}\
input{width:100%;font:inherit;padding:.6rem .75rem;margin-bottom:1rem;border:1px solid var(--soft);border-radius:.5rem;background:transparent;color:inherit}\
button{width:100%;font:inherit;font-weight:600;padding:.65rem .75rem;margin-top:.5rem;border:1px solid var(--key);border-radius:.5rem;background:transparent;color:var(--key);cursor:pointer}\
button.small{width:auto;margin:0;padding:.35rem .75rem;font-size:.9rem}\
input[readonly]{border-style:dashed}\
button.main{background:var(--key);color:var(--on)}\
:focus-visible{outline:3px solid var(--key);outline-offset:2px}";

/// The `Content-Security-Policy` of every page. It does not limit where forms go: browsers would apply that to the
/// redirect which follows, too, and the client could never be reached.
pub fn content_security_policy() -> String {
    let hash = STANDARD.encode(random::sha256(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'")
}

/// What is shown of a client.
pub(crate) struct ClientShown {
    /// What it calls itself, or else its id.
    name: String,
    /// Where answers go; the part that is certain.
    host: String,
}

impl ClientShown {
    pub(crate) fn of(client: &Client, redirect_uri: &str) -> Self {
        let name = if client.name.trim().is_empty() && client.is_document {
            client.id.to_string()
        } else if client.name.trim().is_empty() {
            "An application".to_owned()
        } else {
            client.name.to_string()
        };
        Self { name, host: shown_host(redirect_uri) }
    }

    fn html(&self) -> String {
        format!("<strong><bdi>{}</bdi></strong> at <strong>{}</strong>", escape(&self.name), escape(&self.host))
    }
}

/// The log-in form.
pub(crate) struct LogIn<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: &'a str,
    /// The application to continue to; none for people's own accounts.
    pub(crate) client: Option<&'a ClientShown>,
    /// What is filled in already.
    pub(crate) name: &'a str,
    /// What went wrong; may be empty.
    pub(crate) notice: &'a str,
}

/// The consent form.
pub(crate) struct Consent<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) client: &'a ClientShown,
    pub(crate) account: &'a str,
    pub(crate) webid: &'a str,
    /// Whether the client asks to stay logged in.
    pub(crate) stays: bool,
}

pub(crate) fn log_in(page: &LogIn<'_>) -> String {
    let (at_name, at_password) = if page.name.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    let body = format!(
        "<h1>Log in</h1><p>To {purpose}.</p>{notice}\
         <form method=\"post\" action=\"{action}\">{csrf}\
         <label for=\"name\">Name</label>\
         <input id=\"name\" name=\"name\" value=\"{name}\" autocomplete=\"username\" autocapitalize=\"none\" \
         spellcheck=\"false\" maxlength=\"64\" required{at_name}>\
         <label for=\"password\">Password</label>\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
         maxlength=\"1024\" required{at_password}>\
         <button class=\"main\" name=\"action\" value=\"login\">Log in</button></form>",
        purpose = page
            .client
            .map_or_else(|| "see to your account".to_owned(), |client| format!("continue to {}", client.html())),
        notice = notice(page.notice),
        action = escape(page.action),
        csrf = hidden(page.csrf),
        name = escape(page.name),
    );
    document("Log in", &body)
}

pub(crate) fn consent(page: &Consent<'_>) -> String {
    let stays = if page.stays { "<p class=\"soft\">It also asks to stay logged in.</p>" } else { "" };
    let body = format!(
        "<h1>Allow access?</h1><p>{client} wants to act on your behalf, as</p>\
         <p><strong>{account}</strong><br><code>{webid}</code></p>\
         <p class=\"soft\">It will be able to do whatever your pod allows you. The name is what the application calls \
         itself; the answer is sent to <strong>{host}</strong>.</p>{stays}\
         <form method=\"post\" action=\"{action}\">{csrf}\
         <button class=\"main\" name=\"action\" value=\"allow\">Allow</button>\
         <button name=\"action\" value=\"deny\">Deny</button>\
         <button name=\"action\" value=\"switch\">Use another account</button></form>",
        client = page.client.html(),
        account = escape(page.account),
        webid = escape(page.webid),
        host = escape(&page.client.host),
        action = escape(page.action),
        csrf = hidden(page.csrf),
    );
    document("Allow access?", &body)
}

pub(crate) fn log_out(action: &str, csrf: &str, account: &str) -> String {
    let body = format!(
        "<h1>Log out?</h1><p>You are logged in as <strong>{}</strong>.</p>\
         <form method=\"post\" action=\"{}\">{}\
         <button class=\"main\" name=\"action\" value=\"logout\">Log out</button></form>",
        escape(account),
        escape(action),
        hidden(csrf),
    );
    document("Log out?", &body)
}

pub(crate) fn logged_out() -> String {
    document("Logged out", "<h1>Logged out</h1><p>You are logged out here. You can close this page.</p>")
}

/// Says what is wrong with a request, which goes no further.
pub(crate) fn error(description: &str) -> String {
    let body = format!(
        "<h1>This does not work</h1><p>The application asked for something that cannot be done:</p>\
         <p class=\"notice\" role=\"alert\">{}</p>\
         <p class=\"soft\">Go back and try again; if it stays like this, tell those who make the application.</p>",
        escape(description),
    );
    document("This does not work", &body)
}

/// Says that somebody must wait before they try again.
pub fn slow_down() -> String {
    document(
        "Please wait",
        "<h1>Please wait</h1><p class=\"notice\" role=\"alert\">There were too many attempts from your address.</p>\
         <p>Wait a minute, go back and try again.</p>",
    )
}

fn notice(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p class=\"notice\" role=\"alert\">{}</p>", escape(text)) }
}

fn hidden(csrf: &str) -> String {
    format!("<input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(csrf))
}

fn document(title: &str, body: &str) -> String {
    framed(title, body, "")
}

/// For pages with lists.
fn wide_document(title: &str, body: &str) -> String {
    framed(title, body, " class=\"wide\"")
}

fn framed(title: &str, body: &str, class: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"referrer\" content=\"same-origin\">\
         <title>{title} · Podbell</title><style>{STYLE}</style></head>\
         <body><main{class}><p class=\"brand\">Podbell</p>{body}</main></body></html>"
    )
}

/// Text, as content or as a quoted attribute. Characters that reorder or hide text become visible.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character if character.is_control() || is_invisible(character) => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// Whether a character shows nothing, or changes the order of what is shown; of those that fonts need, none is here.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTACK: &str = "\"><script>alert(1)</script>'&\u{202e}";

    #[test]
    fn no_value_becomes_markup() {
        let client = ClientShown { name: ATTACK.into(), host: ATTACK.into() };
        let forms = [
            log_in(&LogIn { action: ATTACK, csrf: ATTACK, client: Some(&client), name: ATTACK, notice: ATTACK }),
            consent(&Consent {
                action: ATTACK,
                csrf: ATTACK,
                client: &client,
                account: ATTACK,
                webid: ATTACK,
                stays: true,
            }),
            log_out(ATTACK, ATTACK, ATTACK),
            error(ATTACK),
        ];
        for html in forms {
            assert!(!html.contains("<script") && !html.contains('\u{202e}'), "{html}");
            assert!(html.contains("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;\u{fffd}"), "{html}");
        }
    }

    #[test]
    fn the_policy_allows_the_one_style_and_no_script() {
        let policy = content_security_policy();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!policy.contains("unsafe") && !policy.contains("form-action"));
        assert_eq!(logged_out().matches("<style>").count(), 1);
        assert!(logged_out().contains(&format!("<style>{STYLE}</style>")));
    }
}
