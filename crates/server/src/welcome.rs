//! What is said where no pod is: at the root of the server, and at the name of a pod without its slash.
//!
//! The rule: nothing is told that is not public. Which pods there are is not listed; that a name is a pod's root is
//! public, since its storage description is; what is in a pod has no part in it.
//!
//! Spec: <https://solidproject.org/TR/protocol#server-storage-description>

use crate::{
    app::App, console::NOTIFICATIONS, notifications::discovery::WELL_KNOWN, page, problem::Problem, protect::OwnPage,
};
use aws_lc_rs::digest;
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use podbell_model::ResourceIri;

const STYLE: &str = include_str!("welcome.css");

/// The answer to a GET or HEAD at a place outside of every pod that has something to say.
pub fn outside(app: &App, iri: &ResourceIri, headers: &HeaderMap) -> Option<Response> {
    if app.storages.containing(iri).is_some() {
        return None;
    }
    if iri.origin() == &*app.origin && iri.path() == "/" {
        return Some(if page::prefers_page(headers) { shown(app) } else { directions(app) });
    }
    if iri.origin() == &*app.origin && iri.path() == "/favicon.ico" {
        // Browsers ask for it with every page; there is none.
        return Some(StatusCode::NO_CONTENT.into_response());
    }
    let root = ResourceIri::parse(&format!("{iri}/")).ok().filter(|_| !iri.path().ends_with('/'))?;
    app.storages.rooted(&root)?;
    Some(Problem::not_found().detail(format!("the pod is at {root}, with a slash at the end")).into_response())
}

/// For programs.
fn directions(app: &App) -> Response {
    let described = app.url(&format!("/{WELL_KNOWN}"));
    let place = match app.settings.pods.layout {
        crate::settings::Layout::Path => "each pod is below, at /NAME/",
        crate::settings::Layout::Subdomain => "each pod has a host name of its own, below this one",
    };
    Problem::not_found()
        .detail(format!(
            "this is the root of a Solid server and holds nothing itself: {place}; {described} tells its services"
        ))
        .into_response()
}

/// For people.
fn shown(app: &App) -> Response {
    let mut response =
        (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html(app)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        response.extensions_mut().insert(OwnPage(policy));
    }
    response
}

/// The sandbox of everything here, and besides nothing but the one style.
fn policy() -> String {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "sandbox; default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors \
         'none'"
    )
}

fn html(app: &App) -> String {
    let origin = escape(&app.url("/"));
    let pods = match app.settings.pods.layout {
        crate::settings::Layout::Path => format!("<code>{origin}<var>name</var>/</code>"),
        crate::settings::Layout::Subdomain => {
            let (scheme, host) = app.origin.split_once("://").unwrap_or_default();
            format!("<code>{}://<var>name</var>.{}/</code>", escape(scheme), escape(host))
        }
    };
    let log_in = app.issuer.as_ref().map_or(String::new(), |issuer| {
        let issuer = escape(issuer);
        format!("<dt>Log in with</dt><dd><a href=\"{issuer}\">{issuer}</a></dd>")
    });
    let console = app.console.as_ref().map_or(String::new(), |console| {
        let console = escape(console);
        format!(
            "<dt>Who listens to your pods</dt><dd><a href=\"{console}\">{console}</a></dd>\
             <dt>Hear it ring</dt><dd><a href=\"{console}{NOTIFICATIONS}\">{console}{NOTIFICATIONS}</a></dd>"
        )
    });
    let described = escape(&app.url(&format!("/{WELL_KNOWN}")));
    let steps = steps(!app.storages.is_empty(), app.issuer.as_deref(), app.settings.seeds());
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>Podbell</title><style>{STYLE}</style></head><body><main>\
         <p class=\"brand\">Podbell</p><h1>The doorbell of a Solid pod</h1>\
         <p>This server keeps <a href=\"https://solidproject.org/\">Solid</a> pods, and tells whoever may know, at once, \
         when something in them changes.</p>\
         <dl><dt>Pods</dt><dd>{pods}</dd>{log_in}{console}\
         <dt>For programs</dt><dd><a href=\"{described}\">{described}</a></dd></dl>{steps}</main></body></html>",
    )
}

/// Text, as content or as a quoted attribute.
/// What somebody does first here. Demo accounts are those of whoever started the server; others are made by invitation.
fn steps(has_pods: bool, issuer: Option<&str>, has_demo: bool) -> String {
    const APP: &str = "<a href=\"https://solidproject.org/apps\">Solid app</a>";
    let text = match issuer {
        _ if !has_pods => "<p>There is no pod here yet. Whoever started this server sees in the terminal how to make \
                           one.</p>"
            .to_owned(),
        Some(_) if has_demo => format!(
            "<ol><li>Open a {APP}, and give it the log-in address above when it asks for your provider.</li>\
             <li>Log in. Whoever started this server has the names and passwords: the terminal shows a card with the \
             file that holds them.</li>\
             <li>Hear a change as it happens: the same card ends with one line to paste.</li></ol>"
        ),
        Some(issuer) => format!(
            "<ol><li>An account is made by invitation: whoever runs this server can send you one. Your password and \
             your apps are on <a href=\"{}account\">your account page</a>.</li>\
             <li>Open a {APP}, and give it the log-in address above when it asks for your provider.</li></ol>",
            escape(issuer)
        ),
        None => format!(
            "<p>Log in to a {APP} with your own WebID and its provider; what you may read and write here is up to the \
             owner of each pod.</p>"
        ),
    };
    format!("<h2>First steps</h2>{text}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_one_style_and_nothing_else() {
        let policy = policy();
        assert!(policy.starts_with("sandbox; default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !STYLE.contains("url(") && !STYLE.contains("</"));
    }

    #[test]
    fn demo_accounts_are_told_of_where_there_are_some_and_invitations_elsewhere() {
        let demo = steps(true, Some("http://localhost:3001/"), true);
        assert!(demo.contains("the terminal shows a card") && !demo.contains("invitation"), "{demo}");
        let public = steps(true, Some("https://id.example/"), false);
        assert!(!public.contains("terminal") && public.contains("by invitation"), "{public}");
        assert!(public.contains("<a href=\"https://id.example/account\">"), "{public}");
        let others = steps(true, None, false);
        assert!(!others.contains("terminal") && others.contains("your own WebID"), "{others}");
        assert!(steps(false, None, false).contains("no pod here yet"));
    }
}
