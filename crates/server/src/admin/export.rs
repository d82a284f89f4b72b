//! Taking a pod out: everything in it as a tar, in the layout of other servers' directories.
//!
//! It is read while others write: each resource is whole, as it was when its turn came.

use super::{
    Admin, import, layout,
    names::{self, other_file},
    pipe::piped,
    pods, types,
};
use crate::problem::Problem;
use anyhow::{Context as _, ensure};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::header;
use podbell_model::{Auxiliary, ResourceClass, ResourceIri, Storage, Timestamp, rdf::RdfFormat, vocab};
use podbell_pod::{Pod, store::Resource};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};
use tokio::io::{AsyncRead, DuplexStream};
use tokio_tar::{Builder, EntryType, Header};
use tokio_util::io::StreamReader;

/// The pod that is wanted, and where it goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Its name or URL.
    pub pod: String,
    /// Where the root will be: IRIs below it are changed in ACLs and descriptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Change them in all RDF documents.
    #[serde(default)]
    pub documents: bool,
}

/// A pod as a tar.
pub(super) async fn export(State(admin): State<Arc<Admin>>, Json(wanted): Json<Wanted>) -> Result<Response, Problem> {
    let storage = pods::find(&admin, &wanted.pod)?;
    let to = wanted.to.as_deref().map(import::root_elsewhere).transpose()?;
    let (pod, documents) = (Arc::clone(&admin.pod), wanted.documents);
    let body = piped(move |writer| async move {
        let tar = Builder::new_non_terminated(writer);
        Export { pod: &pod, storage: &storage, to, documents, tar }.write().await
    });
    Ok(([(header::CONTENT_TYPE, "application/x-tar")], body).into_response())
}

struct Export<'a> {
    pod: &'a Pod,
    storage: &'a Storage,
    to: Option<ResourceIri>,
    documents: bool,
    // Ended by hand: one that is broken off has no end.
    tar: Builder<DuplexStream>,
}

/// A container, or a document in one.
struct Named<'a> {
    iri: &'a ResourceIri,
    /// What comes before the suffix of an auxiliary resource: nothing for a container.
    file: String,
    /// What is added to its description.
    added: String,
}

impl Export<'_> {
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
        let files = self.noted(container).await?;
        let added = files.iter().fold(String::new(), |lines, (part, file)| lines + &names::line(part, file));
        ensure!(added.len() as u64 <= names::MOST, "more names have to be noted than a description holds");
        self.auxiliaries(&Named { iri: container, file: String::new(), added }, directory, itself.modified).await?;
        let name =
            |member: &ResourceIri| files.get(member.name()).cloned().unwrap_or_else(|| names::file(member.name()));
        let mut inner = Vec::new();
        let mut members = self.pod.kept_in(container);
        while let Some(portion) = members.try_next().await? {
            for member in portion {
                if member.class == ResourceClass::Container {
                    inner.push((member.iri.clone(), format!("{directory}{}/", name(&member.iri))));
                } else {
                    self.document(&member.iri, name(&member.iri), directory).await?;
                }
            }
        }
        // The last one is taken first.
        containers.extend(inner.into_iter().rev());
        Ok(())
    }

    /// The names in a container that their files do not tell, and those files.
    async fn noted(&self, container: &ResourceIri) -> anyhow::Result<BTreeMap<String, String>> {
        let (mut files, mut taken) = (BTreeMap::new(), HashSet::new());
        let mut members = self.pod.kept_in(container);
        while let Some(portion) = members.try_next().await? {
            for member in portion {
                let (part, file) = (member.iri.name(), names::file(member.iri.name()));
                let usual = names::part(&file);
                if usual == part {
                    continue;
                }
                for other in [false, true] {
                    let other = container.child(&usual, other);
                    if let Ok(other) = other
                        && self.pod.kept(&other).await?.is_some()
                    {
                        taken.insert(file.clone());
                    }
                }
                let file = other_file(part, &taken);
                taken.insert(file.clone());
                files.insert(part.to_owned(), file);
            }
        }
        Ok(files)
    }

    async fn document(&mut self, document: &ResourceIri, file: String, directory: &str) -> anyhow::Result<()> {
        let Some(resource) = self.pod.kept(document).await? else { return Ok(()) };
        let (name, is_told) = layout::file(&file, &resource.content_type);
        let path = format!("{directory}{name}");
        if let Some(moved) = self.moved(&resource).await? {
            self.file(&path, moved.len() as u64, resource.modified, &*moved).await?;
        } else {
            let bytes = StreamReader::new(self.pod.bytes_of(&resource.body).await?);
            self.file(&path, resource.body.size(), resource.modified, bytes).await?;
        }
        let added = if is_told { String::new() } else { types::line(document.name(), &resource.content_type) };
        self.auxiliaries(&Named { iri: document, file, added }, directory, resource.modified).await
    }

    /// A document with the IRIs of where it goes, if that is asked for and changes it.
    async fn moved(&self, resource: &Resource) -> anyhow::Result<Option<Bytes>> {
        let is_rdf = RdfFormat::from_media_type(&resource.content_type).is_some();
        let Some(to) = self.to.as_ref().filter(|_| self.documents && is_rdf) else { return Ok(None) };
        let document = self.pod.whole(resource).await?;
        Ok(self.pod.moved(&resource.iri, &resource.content_type, document, &self.storage.root, to).await?)
    }

    async fn auxiliaries(&mut self, named: &Named<'_>, directory: &str, modified: Timestamp) -> anyhow::Result<()> {
        for kind in [Auxiliary::Acl, Auxiliary::Description] {
            let kept = self.pod.kept(&named.iri.auxiliary(kind)).await?;
            let mut turtle = Vec::new();
            if let Some(kept) = &kept {
                let written = self.pod.turtle_of(kept).await?;
                let moved = match &self.to {
                    Some(to) => {
                        let turtle = RdfFormat::Turtle.media_type();
                        self.pod.moved(&kept.iri, turtle, written.clone(), &self.storage.root, to).await?
                    }
                    None => None,
                };
                turtle.extend_from_slice(&moved.unwrap_or(written));
            }
            if kind == Auxiliary::Description {
                if *named.iri == self.storage.root {
                    self.tell_storage(&mut turtle);
                }
                turtle.extend_from_slice(named.added.as_bytes());
            }
            if kept.is_some() || !turtle.is_empty() {
                let modified = kept.map_or(modified, |kept| kept.modified);
                let path = format!("{directory}{}{}", named.file, kind.suffix());
                self.file(&path, turtle.len() as u64, modified, &*turtle).await?;
            }
        }
        Ok(())
    }

    /// Community Solid Server knows a pod by this statement in the description of its root.
    fn tell_storage(&self, description: &mut Vec<u8>) {
        let root = self.to.as_ref().unwrap_or(&self.storage.root);
        let class = vocab::pim::STORAGE_CLASS;
        let said = podbell_model::rdf::parse(RdfFormat::Turtle, &format!("{root}.meta"), description)
            .is_ok_and(|graph| podbell_model::rdf::objects(&graph, root.as_str(), vocab::rdf::TYPE).contains(&class));
        if !said {
            description.extend_from_slice(layout::STORAGE_LINE.as_bytes());
        }
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
