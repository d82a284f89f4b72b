//! The files of a pod as they arrive, each written as a resource.
//!
//! ACLs and descriptions that come ahead of their subject wait for it, within bounds.

use super::{
    Admin,
    import::{Report, Said},
    layout::{self, MEDIA_TYPE, Place},
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use podbell_model::{
    Auxiliary, ResourceIri, Storage,
    rdf::{self, RdfFormat},
};
use podbell_pod::{Content, Effect, Kind, MAX_CONTROL, MAX_RDF, Problem, store::ByteStream};
use std::{collections::HashSet, io};
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio_tar::{Archive, Entry, EntryType};
use tokio_util::io::{ReaderStream, StreamReader};

/// Most that waits for its subjects, in bytes.
const MOST_WAITING: usize = 64 * 1024 * 1024;
/// How much of a file is taken at once, in bytes.
const PIECE: usize = 64 * 1024;
const TURTLE: &str = "text/turtle";

type Source = StreamReader<ByteStream, Bytes>;

/// Why it cannot go on.
#[derive(Debug)]
pub(super) enum Fatal {
    /// What arrives is no archive, or broke off.
    Archive(io::Error),
    /// A file that could not be written, and would not be with another content either.
    Problem(String, Problem),
}

/// An ACL or description.
struct Note {
    file: String,
    subject: ResourceIri,
    kind: Auxiliary,
    turtle: Bytes,
}

/// A pod that arrives.
pub(super) struct Arrival<'a> {
    admin: &'a Admin,
    storage: &'a Storage,
    from: Option<ResourceIri>,
    documents: bool,
    /// What a new pod has from the start: it may be replaced once.
    given: HashSet<ResourceIri>,
    waiting: Vec<Note>,
    waiting_bytes: usize,
    pub(super) report: Report,
}

impl<'a> Arrival<'a> {
    /// With what is there already.
    pub(super) fn new(admin: &'a Admin, storage: &'a Storage, from: Option<ResourceIri>, documents: bool) -> Self {
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
        Self { admin, storage, from, documents, given, waiting: Vec::new(), waiting_bytes: 0, report }
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
                    return Err(Fatal::Problem(file, problem));
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
        let place = match layout::parts(path) {
            Ok(parts) if parts.is_empty() && !is_directory => return self.refuse(file, "it has no name"),
            Ok(parts) => layout::place(&parts, is_directory),
            Err(error) => return self.refuse(file, error.to_string()),
        };
        match place {
            Place::LeftOut(why) => {
                self.report.leave_out(file, why);
                Ok(())
            }
            Place::Container(path) => self.container(&self.name(&path)?).await,
            Place::Document(path, content_type) => self.document(&self.name(&path)?, file, content_type, entry).await,
            Place::Auxiliary(path, kind) => {
                let turtle = whole(entry, MAX_CONTROL).await?;
                let note = Note { file: file.to_owned(), subject: self.name(&path)?, kind, turtle };
                self.note(note).await
            }
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "it ends the work on a file, as a problem does")]
    fn refuse(&mut self, file: &str, why: impl Into<String>) -> Result<(), Problem> {
        self.report.refuse(file, why);
        Ok(())
    }

    fn name(&self, path: &str) -> Result<ResourceIri, Problem> {
        Ok(ResourceIri::parse(&format!("{}{path}", self.storage.root))?)
    }

    async fn container(&mut self, container: &ResourceIri) -> Result<(), Problem> {
        if self.admin.pod.kept(container).await?.is_some() {
            return Ok(());
        }
        self.report.resources += 1;
        self.write(container, Content::none()).await.map(drop)
    }

    async fn document(
        &mut self,
        document: &ResourceIri,
        file: &str,
        content_type: &'static str,
        entry: Entry<Archive<Source>>,
    ) -> Result<(), Problem> {
        let size = entry.header().size().map_err(Problem::Receive)?;
        let from = self.from.clone().filter(|_| self.documents && is_rdf(content_type));
        let content = if let Some(from) = &from {
            let bytes = whole(entry, MAX_RDF).await?;
            let moved = self.admin.pod.moved(self.storage, document, content_type, bytes, from).await?;
            self.report.rewritten += 1;
            Content::bytes(Some(TURTLE.into()), moved)
        } else {
            let stream: ByteStream = Box::pin(ReaderStream::with_capacity(BufReader::new(entry), PIECE));
            Content::stream(Some(content_type.into()), stream)
        };
        if self.write(document, content).await? == Effect::Replaced && !self.given.remove(document) {
            return self.refuse(file, "the archive has it twice");
        }
        self.report.resources += 1;
        self.report.bytes += size;
        Ok(())
    }

    async fn note(&mut self, note: Note) -> Result<(), Problem> {
        self.report.bytes += note.turtle.len() as u64;
        if note.subject.is_container() {
            self.container(&note.subject).await?;
        } else if self.admin.pod.kept(&note.subject).await?.is_none() {
            self.waiting_bytes += note.turtle.len() + note.file.len();
            if self.waiting_bytes > MOST_WAITING {
                let why =
                    "too many ACLs come ahead of what they are about: unpack the archive and import the directory";
                return self.refuse(&note.file, why);
            }
            self.waiting.push(note);
            return Ok(());
        }
        self.write_note(note).await
    }

    async fn write_note(&mut self, note: Note) -> Result<(), Problem> {
        let Note { file, subject, kind, mut turtle } = note;
        let target = subject.auxiliary(kind);
        if kind == Auxiliary::Description && !subject.is_container() {
            let (rest, told) = layout::without_type_line(&turtle);
            let (is_all, rest) = (rest.is_empty(), Bytes::copy_from_slice(rest));
            let told = told.or_else(|| self.told_type(&subject, &target, &rest));
            if let Some(content_type) = told {
                self.admin.pod.retype(self.storage, &subject, &content_type, self.admin.now()).await?;
            }
            if is_all {
                return Ok(());
            }
            turtle = rest;
        }
        if let Some(from) = self.from.clone() {
            turtle = self.admin.pod.moved(self.storage, &target, TURTLE, turtle, &from).await?;
            self.report.rewritten += 1;
        }
        let effect = self.write(&target, Content::bytes(Some(TURTLE.into()), turtle)).await?;
        if effect == Effect::Replaced && !self.given.remove(&target) {
            return self.refuse(&file, "the archive has it twice");
        }
        self.report.auxiliaries += 1;
        Ok(())
    }

    /// The media type that another server noted in a description.
    fn told_type(&self, subject: &ResourceIri, description: &ResourceIri, turtle: &[u8]) -> Option<String> {
        let below = |iri: &ResourceIri| match &self.from {
            Some(from) => format!("{from}{}", &iri.as_str()[self.storage.root.as_str().len()..]),
            None => iri.to_string(),
        };
        let graph = rdf::parse(RdfFormat::Turtle, &below(description), turtle).ok()?;
        let subject = format!("<{}>", below(subject));
        let quad = graph.iter().find(|q| q.predicate.as_str() == MEDIA_TYPE && q.subject.to_string() == subject)?;
        let said = quad.object.to_string();
        let content_type = said.strip_prefix('"')?.strip_suffix('"')?;
        content_type.parse::<mime::Mime>().ok().map(|_| content_type.to_owned())
    }

    async fn write(&self, target: &ResourceIri, content: Content) -> Result<Effect, Problem> {
        self.admin.pod.import(self.storage, target, content, self.admin.now()).await
    }

    /// Everything has come.
    async fn end(&mut self) -> Result<(), Fatal> {
        for note in std::mem::take(&mut self.waiting) {
            let file = note.file.clone();
            let written = match self.admin.pod.kept(&note.subject).await {
                Ok(Some(_)) => self.write_note(note).await,
                Ok(None) => {
                    self.report.leave_out(&file, "what it is about is not there");
                    Ok(())
                }
                Err(error) => Err(error.into()),
            };
            match written {
                Err(problem) if matches!(problem.kind(), Kind::Full | Kind::Failed) => {
                    return Err(Fatal::Problem(file, problem));
                }
                Err(problem) => self.report.refuse(&file, problem.to_string()),
                Ok(()) => {}
            }
        }
        if let Ok(false) = self.admin.pod.owner_has_issuer(self.storage).await {
            let why = format!(
                "it names no solid:oidcIssuer of <{}>, so the owner cannot log in{}",
                self.storage.owner.as_str(),
                if self.from.is_some() && !self.documents {
                    "; --rewrite-documents may be what is missing"
                } else {
                    ""
                }
            );
            self.report.unwise.push(Said { file: self.storage.owner.document().to_owned(), why });
        }
        match self.admin.pod.owner_controls(self.storage).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let why = format!(
                    "it gives <{}> no Control of the root: name the owner with --owner, or the pod's old URL with --from",
                    self.storage.owner.as_str()
                );
                self.report.refuse(".acl", why);
                Ok(())
            }
            Err(problem) => Err(Fatal::Problem(".acl".to_owned(), problem)),
        }
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
