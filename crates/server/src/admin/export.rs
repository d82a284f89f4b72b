//! Taking a pod out: everything in it as a tar, in the layout of other servers' directories.
//!
//! It is read while others write: each resource is whole, as it was when its turn came.

use super::{Admin, layout, pipe::piped, pods};
use crate::problem::Problem;
use anyhow::Context as _;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use podbell_model::{Auxiliary, ResourceClass, ResourceIri, Storage, Timestamp};
use podbell_pod::{Pod, store::Resource};
use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, sync::Arc};
use tokio::io::{AsyncRead, DuplexStream};
use tokio_tar::{Builder, EntryType, Header};
use tokio_util::io::StreamReader;

/// The pod that is wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Its name or URL.
    pub pod: String,
}

/// A pod as a tar.
pub(super) async fn export(State(admin): State<Arc<Admin>>, Json(which): Json<Which>) -> Result<Response, Problem> {
    let storage = pods::find(&admin, &which.pod)?;
    let pod = Arc::clone(&admin.pod);
    let body = piped(move |writer| async move { Export::new(&pod, &storage, writer).write().await });
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], body).into_response())
}

struct Export<'a> {
    pod: &'a Pod,
    storage: &'a Storage,
    // Ended by hand: one that is broken off has no end.
    tar: Builder<DuplexStream>,
}

impl<'a> Export<'a> {
    fn new(pod: &'a Pod, storage: &'a Storage, writer: DuplexStream) -> Self {
        Self { pod, storage, tar: Builder::new_non_terminated(writer) }
    }

    async fn write(mut self) -> anyhow::Result<()> {
        let mut containers = vec![(self.storage.root.clone(), String::new())];
        while let Some((container, directory)) = containers.pop() {
            self.container(&container, &directory, &mut containers)
                .await
                .with_context(|| format!("{container} cannot be exported"))?;
        }
        self.tar.finish().await?;
        Ok(())
    }

    async fn container(
        &mut self,
        container: &ResourceIri,
        directory: &str,
        containers: &mut Vec<(ResourceIri, String)>,
    ) -> anyhow::Result<()> {
        // Deleted meanwhile.
        let Some(itself) = self.pod.kept(container).await? else { return Ok(()) };
        if !directory.is_empty() {
            let mut header = head(0, itself.modified);
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o700);
            self.tar.append_data(&mut header, directory, tokio::io::empty()).await?;
        }
        self.auxiliaries(container, directory, None).await?;
        let members = self.pod.kept_in(container).await?;
        for member in &members {
            if member.class != ResourceClass::Container {
                self.document(&member.iri, directory).await?;
            }
        }
        // The last one is taken first.
        for member in members.into_iter().rev().filter(|member| member.class == ResourceClass::Container) {
            let inner = format!("{directory}{}/", layout::directory(&member.iri));
            containers.push((member.iri, inner));
        }
        Ok(())
    }

    async fn document(&mut self, document: &ResourceIri, directory: &str) -> anyhow::Result<()> {
        let Some(resource) = self.pod.kept(document).await? else { return Ok(()) };
        let (name, is_told) = layout::file(document, &resource.content_type);
        let bytes = StreamReader::new(self.pod.bytes_of(&resource.body).await?);
        self.file(&format!("{directory}{name}"), resource.body.size(), resource.modified, bytes).await?;
        self.auxiliaries(document, directory, (!is_told).then_some(&resource)).await
    }

    /// The ACL and the description of a subject; the media type of `untold` is added to the latter.
    async fn auxiliaries(
        &mut self,
        subject: &ResourceIri,
        directory: &str,
        untold: Option<&Resource>,
    ) -> anyhow::Result<()> {
        for kind in [Auxiliary::Acl, Auxiliary::Description] {
            let kept = self.pod.kept(&subject.auxiliary(kind)).await?;
            let untold = untold.filter(|_| kind == Auxiliary::Description);
            let mut turtle = Vec::new();
            if let Some(kept) = &kept {
                turtle.extend_from_slice(&self.pod.turtle_of(kept).await?);
            }
            if let Some(resource) = untold {
                turtle.extend_from_slice(layout::type_line(subject, &resource.content_type).as_bytes());
            }
            if let Some(resource) = kept.as_ref().or(untold) {
                let path = format!("{directory}{}", layout::auxiliary(subject, kind));
                self.file(&path, turtle.len() as u64, resource.modified, &*turtle).await?;
            }
        }
        Ok(())
    }

    async fn file(
        &mut self,
        path: &str,
        size: u64,
        modified: Timestamp,
        bytes: impl AsyncRead + Unpin,
    ) -> anyhow::Result<()> {
        self.tar.append_data(&mut head(size, modified), path, bytes).await.with_context(|| path.to_owned())
    }
}

fn head(size: u64, modified: Timestamp) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_mtime(u64::try_from(modified.as_second()).unwrap_or(0));
    header
}

/// So many bytes, for people.
pub(super) fn amount(bytes: u64) -> String {
    let mut said = String::new();
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let _ = match units.iter().find(|(_, factor)| bytes >= *factor) {
        Some((unit, factor)) => {
            let tenths = (u128::from(bytes) * 10 / u128::from(*factor)).to_string();
            let (whole, tenth) = tenths.split_at(tenths.len() - 1);
            write!(said, "{whole}.{tenth} {unit}")
        }
        None => write!(said, "{bytes} B"),
    };
    said
}
