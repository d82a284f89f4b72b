//! `Updates-Via`: where the changes of a resource are told, on every answer about one, whatever its status.
//!
//! Deployed clients open exactly that URL and send no credentials on it, so to an agent it is told with a capability.
//! Such an answer is for that agent alone: no shared cache may keep it, or give it to anybody else.
//!
//! Spec: <https://github.com/solid/solid-spec/blob/master/api-websockets.md>

use super::PATH;
use crate::{app::App, cors::vary};
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use podbell_model::{StorageId, Subject};

static UPDATES_VIA: HeaderName = HeaderName::from_static("updates-via");

/// An answer about a resource of a storage that was asked of `origin` by `subject`, with the header.
pub(crate) fn advertised(
    mut response: Response,
    app: &App,
    origin: &str,
    storage: StorageId,
    subject: &Subject,
) -> Response {
    if !app.settings.solid_0_1.enabled {
        return response;
    }
    // `http` becomes `ws`, `https` becomes `wss`.
    let socket = format!("ws{}{PATH}", origin.trim_start_matches("http"));
    let capability = app.capabilities.seal(subject, storage, app.now());
    let url = capability.as_ref().map_or(socket.clone(), |capability| format!("{socket}/{capability}"));
    let headers = response.headers_mut();
    if let Ok(url) = HeaderValue::from_str(&url) {
        headers.insert(UPDATES_VIA.clone(), url);
    }
    if capability.is_some() {
        keep_private(headers);
    }
    vary(headers, &["Authorization"]);
    response
}

/// Unless it says something that is as strict.
fn keep_private(headers: &mut HeaderMap) {
    let said = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let strict = said.is_some_and(|said| {
        said.split(',').any(|one| matches!(one.trim().to_ascii_lowercase().as_str(), "private" | "no-store"))
    });
    if !strict {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stricter_than_private_stays() {
        for (said, then) in [
            (None, "private"),
            (Some("public, max-age=300"), "private"),
            (Some("no-cache"), "private"),
            (Some("no-store, no-transform"), "no-store, no-transform"),
            (Some("max-age=5, Private"), "max-age=5, Private"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(said) = said {
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(said));
            }
            keep_private(&mut headers);
            assert_eq!(headers[header::CACHE_CONTROL], then);
        }
    }
}
