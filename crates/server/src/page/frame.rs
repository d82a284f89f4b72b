//! What is around every page: its head, its policy, and the way back up.
//!
//! The policy allows the one style and nothing else, inside the sandbox of everything that is served here.

use super::text::{escape, isolated, link, readable};
use crate::protect::OwnPage;
use aws_lc_rs::digest;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, header};
use podbell_model::ResourceIri;
use std::{fmt::Write as _, sync::LazyLock};

const STYLE: &str = include_str!("style.css");

/// The end of every page.
pub(super) const END: &str = "</main></body></html>";

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "sandbox; default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("sandbox; default-src 'none'"))
});

/// The beginning of a page; the title is text.
pub(super) fn begin(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body><main><p class=\"brand\"><b>Podbell</b></p>",
        escape(title)
    )
}

/// The beginning of the page of a resource: the containers above it, and its name.
pub(super) fn begin_at(resource: &ResourceIri, root: &ResourceIri) -> String {
    let mut page = begin(&called(resource, root));
    let mut above: Vec<_> =
        resource.ancestors().take_while(|above| above.as_str().starts_with(root.as_str())).collect();
    above.reverse();
    if !above.is_empty() {
        page.push_str("<nav>");
        for container in above {
            let _ = write!(page, "{} › ", link(container.as_str(), &called(&container, root)));
        }
        page.push_str("</nav>");
    }
    let _ = write!(page, "<h1>{}</h1>", isolated(&called(resource, root)));
    page
}

/// What a resource is called on a page: the root by all of its name, the rest by the last part.
pub(super) fn called(resource: &ResourceIri, root: &ResourceIri) -> String {
    if resource == root {
        let shown = resource.as_str().split_once("://").map_or(resource.as_str(), |(_, rest)| rest);
        return readable(shown);
    }
    let slash = if resource.is_container() { "/" } else { "" };
    format!("{}{slash}", readable(resource.name()))
}

/// Lets the answer be shown as a page of Podbell's own.
pub(super) fn own(response: &mut Response) {
    response.extensions_mut().insert(OwnPage(POLICY.clone()));
    response.headers_mut().insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_the_one_style_and_nothing_else() {
        let policy = POLICY.to_str().unwrap();
        assert!(policy.starts_with("sandbox; default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("allow"), "{policy}");
        assert!(!STYLE.contains("url(") && !STYLE.contains('<') && !STYLE.contains("@import"));
    }

    #[test]
    fn the_way_up_ends_at_the_root_of_the_pod() {
        let iri = |iri: &str| ResourceIri::parse(iri).unwrap();
        let page = begin_at(&iri("https://x/alice/a%20b/c/"), &iri("https://x/alice/"));
        let nav = page.split_once("<nav>").unwrap().1.split_once("</nav>").unwrap().0;
        assert_eq!(nav.matches("<a ").count(), 2, "{nav}");
        assert!(nav.contains("<bdi>x/alice/</bdi>") && nav.contains("<bdi>a b/</bdi>"), "{nav}");
        assert!(!nav.contains("\"https://x/\""), "{nav}");
        assert!(page.contains("<h1><bdi>c/</bdi></h1>"), "{page}");
        assert!(!begin_at(&iri("https://x/alice/"), &iri("https://x/alice/")).contains("<nav>"));
    }
}
