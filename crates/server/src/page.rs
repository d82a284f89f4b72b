//! What people see who open a pod's URL in a browser: a small page in place of Turtle, and in place of a problem.
//!
//! Only who likes HTML better than RDF gets one (`podbell_pod::prefers_page`); for programs nothing changes. All text
//! on it is written by strangers: see [`text`]. There is no script, and the policy of [`frame`] lets none run.
//!
//! Spec: RFC 9110 §12.5.1

mod container;
mod document;
mod frame;
mod problem;
mod text;

pub use problem::{prefers_page, problems};

use axum::{body::Body, response::Response};
use podbell_model::ResourceIri;
use podbell_pod::PageContent;

/// The body of the page of a resource, below the root of its storage.
pub fn body(resource: ResourceIri, root: ResourceIri, content: PageContent) -> Body {
    match content {
        PageContent::Container { description, members } => {
            Body::from_stream(container::page(&resource, root, description.as_deref(), members))
        }
        PageContent::Document(dataset) => Body::from_stream(document::page(resource, root, dataset)),
    }
}

/// Marks an answer as a page of Podbell's own, with the policy that it needs.
pub fn own(response: &mut Response) {
    frame::own(response);
}
