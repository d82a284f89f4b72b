//! Bodies of requests to the provider: of one media type, bounded, and text.

use super::Site;
use crate::{
    problem::Problem,
    request::{self, BodyError},
};
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};

/// The media type of forms.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Why a body was not taken.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    /// It is not of the media type that is taken here, or no text.
    Kind,
    /// It is too large, too slow or broken.
    Body(BodyError),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Kind => Self::blank(http::StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(format!("{FORM} is needed")),
            Refused::Body(error) => error.into(),
        }
    }
}

impl Site {
    /// A whole body of a media type.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body, media_type: &str) -> Result<Bytes, Refused> {
        let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = sent.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(media_type) {
            return Err(Refused::Kind);
        }
        request::collect(body, self.body, self.patience).await.map_err(Refused::Body)
    }

    /// A form.
    pub(super) async fn form(&self, headers: &HeaderMap, body: Body) -> Result<String, Refused> {
        let body = self.read(headers, body, FORM).await?;
        String::from_utf8(body.into()).map_err(|_| Refused::Kind)
    }
}
