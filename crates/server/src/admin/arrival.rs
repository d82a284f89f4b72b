//! The files of a pod as they arrive, each written as a resource.

use super::{
    Admin,
    batch::Come,
    dates::Dates,
    import::{Report, Wanted},
    layout::{self, Place},
    names::{self, Spellings},
    note::Note,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use podbell_model::{Auxiliary, ResourceIri, Storage, Timestamp, rdf::RdfFormat};
use podbell_pod::{
    Content, Effect, Kind, MAX_CONTROL, MAX_RDF, Problem,
    store::{ByteStream, INLINE_BODY},
};
use std::{collections::HashSet, io};
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio_tar::{Archive, Entry, EntryType};
use tokio_util::io::{ReaderStream, StreamReader};

/// How much of a file is taken at once, in bytes.
const PIECE: usize = 64 * 1024;

type Source = StreamReader<ByteStream, Bytes>;

/// Why it cannot go on.
#[derive(Debug)]
pub(super) enum Fatal {
    /// What arrives is no archive, or broke off.
    Archive(io::Error),
    /// A file that could not be written, and would not be with another content either.
    Problem(String, Problem),
}

/// A pod that arrives.
pub(super) struct Arrival<'a> {
    pub(super) admin: &'a Admin,
    pub(super) storage: &'a Storage,
    pub(super) from: Option<ResourceIri>,
    pub(super) documents: bool,
    /// Who is to speak for the owner, whatever the owner's document says.
    pub(super) issuer: Option<String>,
    /// Documents that would be refused are left out.
    pub(super) without_broken: bool,
    /// What a new pod has from the start: it may be replaced once.
    pub(super) given: HashSet<ResourceIri>,
    pub(super) spellings: Spellings,
    pub(super) dates: Dates,
    /// The document at which it cannot go on, which may have come before.
    pub(super) ended_at: Option<String>,
    /// Small documents that are not written yet.
    pub(super) gathered: Vec<(Come, Content)>,
    /// ACLs and descriptions that came ahead of their subjects.
    pub(super) waiting: Vec<Note>,
    /// What is in memory until the end, in bytes.
    pub(super) waiting_bytes: usize,
    pub(super) report: Report,
}

impl<'a> Arrival<'a> {
    /// With what is there already.
    pub(super) fn new(admin: &'a Admin, storage: &'a Storage, from: Option<ResourceIri>, wanted: &Wanted) -> Self {
        let mut given = HashSet::from([storage.root.acl()]);
        if let Ok(card) = ResourceIri::parse(&format!("{}profile/card", storage.root)) {
            given.extend([card.acl(), card]);
        }
        let report = Report {
            root: storage.root.to_string(),
            owner: storage.owner.as_str().to_owned(),
            resources: 1,
            ..Report::default()
        };
        Self {
            admin,
            storage,
            from,
            documents: wanted.documents,
            issuer: wanted.issuer.clone(),
            without_broken: wanted.leave_out_broken,
            given,
            spellings: Spellings::default(),
            dates: Dates::default(),
            ended_at: None,
            gathered: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            report,
        }
    }

    /// Takes everything; and what of the source is left.
    pub(super) async fn receive(&mut self, source: Source) -> (Result<(), Fatal>, Option<Source>) {
        let mut archive = Archive::new(source);
        let mut came = self.entries(&mut archive).await;
        if came.is_ok() {
            came = self.end().await;
        }
        (came, archive.into_inner().ok())
    }

    async fn entries(&mut self, archive: &mut Archive<Source>) -> Result<(), Fatal> {
        let mut entries = archive.entries().map_err(Fatal::Archive)?;
        while let Some(entry) = entries.next().await {
            let entry = entry.map_err(Fatal::Archive)?;
            let path = entry.path_bytes().map_err(Fatal::Archive)?.into_owned();
            let file = String::from_utf8_lossy(&path).into_owned();
            match self.entry(&path, &file, entry).await {
                Ok(()) => {}
                Err(Problem::Receive(error)) => return Err(Fatal::Archive(error)),
                Err(problem) if matches!(problem.kind(), Kind::Full | Kind::Failed) => {
                    return Err(Fatal::Problem(self.ended_at.take().unwrap_or(file), problem));
                }
                Err(problem) => self.report.refuse(&file, problem.to_string()),
            }
        }
        Ok(())
    }

    async fn entry(&mut self, path: &[u8], file: &str, entry: Entry<Archive<Source>>) -> Result<(), Problem> {
        let is_directory = match entry.header().entry_type() {
            EntryType::Directory => true,
            EntryType::Regular | EntryType::Continuous => false,
            EntryType::Symlink => return self.refuse(file, "it is a symbolic link"),
            EntryType::Link => return self.refuse(file, "it is a link to another file of the archive"),
            EntryType::XGlobalHeader => return Ok(()),
            _ => return self.refuse(file, "it is neither a file nor a directory"),
        };
        if !is_directory && path.ends_with(b"/") {
            return self.refuse(file, "it is a file with the name of a directory");
        }
        let parts = match layout::parts(path) {
            Ok(parts) if parts.is_empty() && !is_directory => return self.refuse(file, "it has no name"),
            Ok(parts) => parts,
            Err(error) => return self.refuse(file, error.to_string()),
        };
        let modified = self.modified(&entry);
        let place = layout::place(&parts, is_directory, &self.spellings);
        match place {
            Place::LeftOut(why) => {
                self.report.leave_out(file, why);
                Ok(())
            }
            Place::Container(path) => {
                let container = self.name(&path)?;
                self.write_gathered().await?;
                self.container(&container).await?;
                self.dates.of_container(container, modified);
                Ok(())
            }
            Place::Document(path, content_type) => {
                let document = self.name(&path)?;
                let size = entry.header().size().map_err(Problem::Receive)?;
                self.document(Come { file: file.to_owned(), document, size, modified }, content_type, entry).await
            }
            Place::Auxiliary(path, kind) => {
                let subject = self.name(&path)?;
                self.write_gathered().await?;
                let has_names = kind == Auxiliary::Description && subject.is_container();
                let mut turtle = whole(entry, MAX_CONTROL + if has_names { names::MOST } else { 0 }).await?;
                if has_names {
                    let directory =
                        parts[..parts.len() - 1].iter().fold(String::new(), |above, part| above + part + "/");
                    turtle = self.take_names(file, &subject, &directory, &turtle).await?;
                }
                self.note(Note { file: file.to_owned(), subject, kind, turtle, modified }).await
            }
        }
    }

    /// When a file was written, if that is told and is not to come.
    fn modified(&self, entry: &Entry<Archive<Source>>) -> Option<Timestamp> {
        let seconds = i64::try_from(entry.header().mtime().ok()?).ok()?;
        Timestamp::from_second(seconds).ok().filter(|told| seconds > 0 && *told <= self.admin.now())
    }

    #[allow(clippy::unnecessary_wraps, reason = "it ends the work on a file, as a problem does")]
    pub(super) fn refuse(&mut self, file: &str, why: impl AsRef<str>) -> Result<(), Problem> {
        self.report.refuse(file, why);
        Ok(())
    }

    /// The name of what is at a path below the root.
    pub(super) fn name(&self, path: &str) -> Result<ResourceIri, Problem> {
        Ok(ResourceIri::parse(&format!("{}{path}", self.storage.root))?)
    }

    /// Makes a container, unless it is there.
    pub(super) async fn container(&mut self, container: &ResourceIri) -> Result<(), Problem> {
        if self.admin.pod.kept(container).await?.is_some() {
            return Ok(());
        }
        self.report.resources += 1;
        self.write(container, Content::none()).await.map(drop)
    }

    async fn document(
        &mut self,
        come: Come,
        content_type: &'static str,
        entry: Entry<Archive<Source>>,
    ) -> Result<(), Problem> {
        let from = self.from.clone().filter(|_| self.documents && is_rdf(content_type));
        if from.is_none() && come.size > INLINE_BODY as u64 {
            let stream: ByteStream = Box::pin(ReaderStream::with_capacity(BufReader::new(entry), PIECE));
            let written = self.write(&come.document, Content::stream(Some(content_type.into()), stream)).await;
            return self.came(come, written).await;
        }
        let bytes = match whole(entry, MAX_RDF).await {
            Ok(bytes) => bytes,
            Err(problem) => return self.came(come, Err(problem)).await,
        };
        let moved = match &from {
            Some(from) => match self.moved(&come.document, content_type, bytes.clone(), from).await {
                Ok(moved) => moved,
                Err(problem) => return self.came(come, Err(problem)).await,
            },
            None => None,
        };
        let bytes = moved.unwrap_or(bytes);
        let is_small = bytes.len() <= INLINE_BODY;
        let content = Content::bytes(Some(content_type.into()), bytes);
        if is_small {
            return self.gather(come, content).await;
        }
        let written = self.write(&come.document, content).await;
        self.came(come, written).await
    }

    /// A document with the IRIs that are here; none if it is right as it is.
    pub(super) async fn moved(
        &mut self,
        document: &ResourceIri,
        content_type: &str,
        bytes: Bytes,
        from: &ResourceIri,
    ) -> Result<Option<Bytes>, Problem> {
        let old = ResourceIri::parse(&format!("{from}{}", &document.as_str()[self.storage.root.as_str().len()..]))?;
        let moved = self.admin.pod.moved(&old, content_type, bytes, from, &self.storage.root).await?;
        self.report.rewritten += u64::from(moved.is_some());
        Ok(moved)
    }

    /// Notes when a resource was written, for the end.
    pub(super) async fn date(&mut self, resource: ResourceIri, modified: Option<Timestamp>) -> Result<(), Problem> {
        match modified.and_then(|modified| self.dates.of_document(resource, modified)) {
            Some(dates) => Ok(self.admin.pod.date(self.storage, dates).await?),
            None => Ok(()),
        }
    }

    /// Writes a resource.
    pub(super) async fn write(&self, target: &ResourceIri, content: Content) -> Result<Effect, Problem> {
        self.admin.pod.import(self.storage, target, content, self.admin.now()).await
    }
}

fn is_rdf(content_type: &str) -> bool {
    RdfFormat::from_media_type(content_type).is_some()
}

async fn whole(entry: Entry<Archive<Source>>, limit: u64) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    entry.take(limit + 1).read_to_end(&mut bytes).await.map_err(Problem::Receive)?;
    if bytes.len() as u64 > limit { Err(Problem::TooLarge(limit)) } else { Ok(bytes.into()) }
}
