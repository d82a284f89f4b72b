//! What the public may read of this server's pods, in process: WebID documents, client identifier documents.

use crate::{authorize::Judge, own_documents::PublicDocuments};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use podbell_hub::Clock;
use podbell_model::{ResourceIri, Subject};
use podbell_pod::{Action, Applied, Outcome, Pod, Preconditions, Reading, RepresentationBody, Request};
use std::sync::Arc;

/// The largest document that is read in process, in bytes.
const MOST: usize = 256 * 1024;

/// Reads resources as the public.
pub struct AsPublic {
    /// The resources.
    pub pod: Arc<Pod>,
    /// What is allowed.
    pub judge: Arc<Judge>,
    /// The time.
    pub clock: Clock,
}

#[async_trait::async_trait]
impl PublicDocuments for AsPublic {
    async fn read(&self, resource: &ResourceIri, accept: &str) -> Option<(String, Bytes)> {
        let now = (self.clock)();
        let reading = Reading { accept: Some(accept.into()), ..Reading::default() };
        let request = Request {
            target: resource.clone(),
            action: Action::Read(reading),
            preconditions: Preconditions::default(),
            now,
            causes: Arc::default(),
            rules_as_of: None,
        };
        let operation = self.pod.plan(request).await.ok()?;
        let permitted = self.judge.permit(operation, &Subject::public(), now).await.ok()?;
        let Ok(Applied::Done(Outcome::Read(read))) = self.pod.apply(permitted).await else { return None };
        let body = match read.body {
            RepresentationBody::None | RepresentationBody::Page(_) => Bytes::new(),
            RepresentationBody::Bytes(bytes) => bytes,
            RepresentationBody::Stream(mut stream) => {
                let mut whole = BytesMut::new();
                while let Some(part) = stream.next().await {
                    whole.extend_from_slice(&part.ok()?);
                    if whole.len() > MOST {
                        return None;
                    }
                }
                whole.freeze()
            }
        };
        let media_type = read.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        (body.len() <= MOST).then_some((media_type, body))
    }
}
