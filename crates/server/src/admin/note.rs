//! ACLs and descriptions of a pod that arrives.
//!
//! Those that come ahead of their subject wait for it, within bounds. What a description says about the file that its
//! subject was is read and left out of it.

use super::{
    arrival::{Arrival, Fatal},
    import::Said,
    layout, names, types,
};
use bytes::Bytes;
use podbell_model::{
    Auxiliary, ResourceIri, Timestamp,
    rdf::{self, RdfFormat},
};
use podbell_pod::{Content, Effect, Kind, MAX_CONTROL, Problem};
use podbell_wac::InvalidAcl;

/// Most that waits for its subjects, in bytes.
const MOST_WAITING: usize = 64 * 1024 * 1024;
const TURTLE: &str = "text/turtle";
const UNPACK: &str = "unpack the archive and import the directory";

/// An ACL or description.
pub(super) struct Note {
    pub(super) file: String,
    pub(super) subject: ResourceIri,
    pub(super) kind: Auxiliary,
    pub(super) turtle: Bytes,
    pub(super) modified: Option<Timestamp>,
}

impl Arrival<'_> {
    /// Takes one, or has it wait.
    pub(super) async fn note(&mut self, note: Note) -> Result<(), Problem> {
        self.report.bytes += note.turtle.len() as u64;
        if note.subject.is_container() {
            self.container(&note.subject).await?;
        } else if self.admin.pod.kept(&note.subject).await?.is_none() {
            self.waiting_bytes += note.turtle.len() + note.file.len();
            if self.waiting_bytes > MOST_WAITING {
                return self.refuse(&note.file, format!("too many ACLs come ahead of what they are about: {UNPACK}"));
            }
            self.waiting.push(note);
            return Ok(());
        }
        self.write_note(note).await
    }

    /// Takes the names that the description of a container notes of what is in it, and gives the rest.
    pub(super) async fn take_names(
        &mut self,
        file: &str,
        container: &ResourceIri,
        directory: &str,
        meta: &Bytes,
    ) -> Result<Bytes, Problem> {
        let (mut rest, noted) = names::without_lines(meta);
        if *container == self.storage.root {
            // Here it is known of every root.
            rest = rest.strip_suffix(layout::STORAGE_LINE.as_bytes()).unwrap_or(rest);
        }
        for (part, name) in noted {
            self.waiting_bytes += directory.len() + name.len() + part.len();
            if let Err(error) = self.spellings.note(directory, name, part) {
                self.report.refuse(file, format!("{name}: {error}"));
            }
            // It would have been given its usual name.
            let usual = names::part(name);
            for usual in [usual.clone(), usual + "/"] {
                let usual = ResourceIri::parse(&format!("{container}{usual}"))?;
                if self.admin.pod.kept(&usual).await?.is_some() {
                    self.report.refuse(file, format!("it comes after {name}, which it gives a name: {UNPACK}"));
                }
            }
        }
        if self.waiting_bytes > MOST_WAITING {
            self.report.refuse(file, "there are too many such names");
        }
        if rest.len() as u64 > MAX_CONTROL { Err(Problem::TooLarge(MAX_CONTROL)) } else { Ok(meta.slice(..rest.len())) }
    }

    async fn write_note(&mut self, note: Note) -> Result<(), Problem> {
        let Note { file, subject, kind, mut turtle, modified } = note;
        let target = subject.auxiliary(kind);
        if kind == Auxiliary::Description {
            let before = match self.dates.date(&subject) {
                Some(date) => Some(date),
                None => self.admin.pod.kept(&subject).await?.map(|kept| kept.modified),
            };
            if !subject.is_container() {
                turtle = self.take_type(&subject, &target, turtle).await?;
            }
            if turtle.is_empty() {
                return self.date(subject, before).await;
            }
            self.write_turtle(&file, &target, turtle).await?;
            if !subject.is_container() {
                self.date(subject, before.max(modified)).await?;
            }
        } else {
            self.write_turtle(&file, &target, turtle).await?;
        }
        self.date(target, modified).await
    }

    async fn write_turtle(&mut self, file: &str, target: &ResourceIri, mut turtle: Bytes) -> Result<(), Problem> {
        if let Some(from) = self.from.clone() {
            turtle = self.moved(target, TURTLE, turtle.clone(), &from).await?.unwrap_or(turtle);
        }
        let effect = match self.write(target, Content::bytes(Some(TURTLE.into()), turtle)).await {
            Err(Problem::Acl(why)) if self.from.is_none() && why == InvalidAcl::RootWithoutControl.to_string() => {
                let hint = "if the pod was at another URL, name that with --from";
                return self.refuse(file, format!("the ACL is refused: {why}; {hint}"));
            }
            written => written?,
        };
        if effect == Effect::Replaced && !self.given.remove(target) {
            return self.refuse(file, "the archive has it twice");
        }
        self.report.auxiliaries += 1;
        Ok(())
    }

    /// Gives a document the media type that its description tells, and what else it tells.
    async fn take_type(&self, subject: &ResourceIri, target: &ResourceIri, turtle: Bytes) -> Result<Bytes, Problem> {
        let (content_type, rest) = if let Some((rest, content_type)) = types::without_line(&turtle, subject.name()) {
            (content_type, turtle.slice(..rest.len()))
        } else {
            let given = self.admin.pod.kept(subject).await?.map(|kept| kept.content_type).unwrap_or_default();
            let there = |iri: &ResourceIri| match &self.from {
                Some(from) => format!("{from}{}", &iri.as_str()[self.storage.root.as_str().len()..]),
                None => iri.to_string(),
            };
            // What is no Turtle is refused where it is written.
            let graph = rdf::parse(RdfFormat::Turtle, &there(target), &turtle).ok();
            match graph.and_then(|graph| types::told(&graph, &there(subject), &given)) {
                Some((content_type, rest)) if rest.is_empty() => (content_type, Bytes::new()),
                Some((content_type, rest)) => (content_type, rdf::serialize(RdfFormat::Turtle, &rest, &[]).into()),
                None => return Ok(turtle),
            }
        };
        self.admin.pod.retype(self.storage, subject, &content_type, self.admin.now()).await?;
        Ok(rest)
    }

    /// Everything has come.
    pub(super) async fn end(&mut self) -> Result<(), Fatal> {
        if let Err(problem) = self.write_gathered().await {
            return Err(Fatal::Problem(self.ended_at.take().unwrap_or_default(), problem));
        }
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
        for dates in self.dates.rest() {
            let dated = self.admin.pod.date(self.storage, dates).await;
            dated.map_err(|error| Fatal::Problem("the dates".to_owned(), error.into()))?;
        }
        self.tell_open_card().await?;
        if let Some(issuer) = self.issuer.take()
            && let Err(problem) = self.admin.pod.add_issuer(self.storage, &issuer, self.admin.now()).await
        {
            self.report.refuse(self.storage.owner.document(), format!("<{issuer}> cannot be added: {problem}"));
        }
        if let Ok(false) = self.admin.pod.owner_has_issuer(self.storage).await {
            let why = format!(
                "it names no solid:oidcIssuer of <{}>, so the owner cannot log in: --issuer adds one{}",
                self.storage.owner.as_str(),
                if self.from.is_some() && !self.documents {
                    "; --rewrite-documents may be what is missing"
                } else {
                    ""
                }
            );
            self.report.unwise.push(Said { file: self.storage.owner.document().to_owned(), why });
        }
        // The other servers give every pod one.
        if self.report.refusals == 0 && self.given.contains(&self.storage.root.acl()) {
            let why = "there is none at the top, so the owner alone is let in: is this the folder of the pod itself?";
            self.report.unwise.push(Said { file: ".acl".to_owned(), why: why.to_owned() });
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

    /// Says so if the WebID document came without an ACL, and is open to everybody as that of a new pod is.
    async fn tell_open_card(&mut self) -> Result<(), Fatal> {
        let Ok(card) = self.name("profile/card") else { return Ok(()) };
        // What did not replace anything is still given.
        if self.given.contains(&card) || !self.given.contains(&card.acl()) {
            return Ok(());
        }
        let kept = self.admin.pod.kept(&card.acl()).await;
        if kept.map_err(|error| Fatal::Problem(".acl".to_owned(), error.into()))?.is_some() {
            let why = "it came without an ACL of its own, and has that of a new WebID document: everybody reads it";
            self.report.unwise.push(Said { file: card.to_string(), why: why.to_owned() });
        }
        Ok(())
    }
}
