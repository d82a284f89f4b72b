//! Pods that come from elsewhere: a new storage that nobody finds until all of it is there.
//!
//! Every resource is written as a PUT by the owner would write it, with its record in the log; only what an ACL that
//! came with it says is not asked. Until the end the storage is in no index, so no request reaches it, and one that is
//! not finished is deleted by whoever opens the store next.

use crate::{
    conditions::Preconditions,
    document::{aside, load, prefixes, write},
    moved::{is_same, moved},
    negotiate::format_of,
    operation::{Content, Effect},
    pod::Pod,
    problem::Problem,
    seed::SeedError,
    shape::Shape,
    store::{CommitError, WriteSet},
    write::{Step, Work, Writing},
};
use bytes::Bytes;
use oxrdf::{Dataset, GraphName, GraphNameRef, NamedNode, Quad};
use podbell_model::{
    IriError, ResourceIri, Sequence, Storage, Timestamp, WebId,
    rdf::{self, RdfFormat},
    vocab,
};
use std::{collections::HashMap, sync::Arc};

/// How often a write is tried; nobody else writes there.
const ATTEMPTS: usize = 4;

impl Pod {
    /// Begins a storage that nobody finds, with what [`create_pod`](Self::create_pod) gives a new one.
    pub async fn begin_import(
        &self,
        root: &ResourceIri,
        owner: &WebId,
        issuer: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<Storage, SeedError> {
        let changes = self.first_changes(root, owner, issuer, name)?;
        Ok(self.store.begin_storage(root.clone(), owner.clone(), changes, now).await?.0)
    }

    /// Writes a resource of a storage that was begun, and what is missing of the path to it.
    pub async fn import(
        &self,
        storage: &Storage,
        target: &ResourceIri,
        mut content: Content,
        now: Timestamp,
    ) -> Result<Effect, Problem> {
        let shape = Shape::of(target, storage);
        let work = Work::Put(self.receive_content(&mut content, &shape, None).await?);
        for _ in 0..ATTEMPTS {
            let writing = Writing {
                pod: self,
                storage,
                shape: &shape,
                target,
                preconditions: &Preconditions::default(),
                actor: Some(&storage.owner),
                now,
            };
            let Step::Commit(draft) = writing.attempt(&work).await? else { return Ok(Effect::Unchanged) };
            let writes = WriteSet {
                storage: storage.id,
                permitted_as_of: Sequence(0),
                depends_on: Arc::new([]),
                expected: draft.expected,
                changes: draft.changes,
                actor: Some(storage.owner.clone()),
                now,
                causes: Arc::default(),
                rules_as_of: None,
            };
            match self.store.commit(writes).await {
                Ok(_) => return Ok(draft.effect),
                Err(CommitError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Problem::Contended)
    }

    /// Gives a document that was imported another media type.
    pub async fn retype(
        &self,
        storage: &Storage,
        target: &ResourceIri,
        content_type: &str,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let resource = self.store.resource(target).await?.ok_or_else(|| Problem::NotFound(target.clone()))?;
        if *resource.content_type != *content_type {
            let content = Content::kept(Some(content_type.into()), resource.body);
            self.import(storage, target, content, now).await?;
        }
        Ok(())
    }

    /// An RDF document for where its pod goes: in its own syntax, with the IRIs that are there; none if it is right as
    /// it is. `target` is its name in `from`.
    pub async fn moved(
        &self,
        target: &ResourceIri,
        content_type: &str,
        document: Bytes,
        from: &ResourceIri,
        to: &ResourceIri,
    ) -> Result<Option<Bytes>, Problem> {
        let format = format_of(content_type).ok_or_else(|| Problem::NotRdf(content_type.to_owned()))?;
        let rest = target.as_str().strip_prefix(from.as_str()).unwrap_or_default();
        let (old, new) = (target.clone(), ResourceIri::parse(&format!("{to}{rest}"))?);
        let (from, to) = (from.clone(), to.clone());
        aside(document.len() as u64, move || {
            let dataset = moved(&rdf::parse(format, old.as_str(), &document)?, from.as_str(), to.as_str());
            // Relative IRIs go along by themselves.
            if rdf::parse(format, new.as_str(), &document).is_ok_and(|same| is_same(&dataset, &same)) {
                return Ok(None);
            }
            let mut prefixes = prefixes(format, &old, &document);
            for (_, iri) in &mut prefixes {
                if let Some(rest) = iri.strip_prefix(from.as_str()) {
                    *iri = format!("{to}{rest}");
                }
            }
            Ok(Some(write(format, &dataset, &prefixes)))
        })
        .await
    }

    /// Gives what was imported the dates that it had before.
    pub async fn date(&self, storage: &Storage, dates: Vec<(ResourceIri, Timestamp)>) -> Result<(), CommitError> {
        self.store.date(storage.id, dates).await
    }

    /// Whether the ACL of the root gives the owner Control by name.
    pub async fn owner_controls(&self, storage: &Storage) -> Result<bool, Problem> {
        let acl = storage.root.acl();
        let Some(resource) = self.store.resource(&acl).await? else { return Ok(false) };
        let turtle = self.turtle_of(&resource).await?;
        let graph = rdf::parse(RdfFormat::Turtle, acl.as_str(), &turtle)?;
        Ok(controls(&graph, storage.root.as_str(), storage.owner.as_str()))
    }

    /// Whether the owner's WebID document, if it is in the storage, says who may speak for the owner.
    pub async fn owner_has_issuer(&self, storage: &Storage) -> Result<bool, Problem> {
        Ok(owner_document(storage).is_none() || !self.issuers(&storage.owner).await?.is_empty())
    }

    /// Who may speak for a WebID, as its document here says; nobody if there is none.
    pub async fn issuers(&self, webid: &WebId) -> Result<Vec<String>, Problem> {
        let Ok(document) = ResourceIri::parse(webid.document()) else { return Ok(Vec::new()) };
        let Some(resource) = self.store.resource(&document).await? else { return Ok(Vec::new()) };
        let Some(format) = format_of(&resource.content_type) else { return Ok(Vec::new()) };
        let graph = rdf::parse(format, document.as_str(), &load(&*self.store, &resource.body).await?)?;
        let named = rdf::objects(&graph, webid.as_str(), vocab::solid::OIDC_ISSUER);
        Ok(named.into_iter().map(ToString::to_string).collect())
    }

    /// Says in the owner's WebID document, if it is in the storage, that an issuer may speak for the owner. Those that
    /// it names already stay.
    pub async fn add_issuer(&self, storage: &Storage, issuer: &str, now: Timestamp) -> Result<(), Problem> {
        let Some(document) = owner_document(storage) else { return Ok(()) };
        let Some(resource) = self.store.resource(&document).await? else { return Ok(()) };
        let content_type = Arc::clone(&resource.content_type);
        let format = format_of(&content_type).ok_or_else(|| Problem::NotRdf(content_type.to_string()))?;
        let bytes = load(&*self.store, &resource.body).await?;
        let mut graph = rdf::parse(format, document.as_str(), &bytes)?;
        if rdf::objects(&graph, storage.owner.as_str(), vocab::solid::OIDC_ISSUER).contains(&issuer) {
            return Ok(());
        }
        let node = |iri: &str| NamedNode::new(iri).map_err(|_| Problem::BadName(IriError::Character));
        let (owner, names) = (node(storage.owner.as_str())?, node(vocab::solid::OIDC_ISSUER)?);
        graph.insert(&Quad::new(owner, names, node(issuer)?, GraphName::DefaultGraph));
        let written = write(format, &graph, &prefixes(format, &document, &bytes));
        self.import(storage, &document, Content::bytes(Some(content_type), written), now).await.map(drop)
    }

    /// Shows a storage that was begun, to everybody.
    pub async fn finish_import(&self, storage: &Storage) -> Result<(), CommitError> {
        self.store.finish_storage(storage.id).await?;
        self.remember(storage.clone());
        Ok(())
    }

    /// Deletes what was begun and never finished; the roots.
    pub async fn discard_unfinished(&self, now: Timestamp) -> Result<Vec<ResourceIri>, CommitError> {
        let mut discarded = Vec::new();
        for storage in self.store.unfinished().await? {
            self.store.delete_storage(storage.id, now).await?;
            discarded.push(storage.root);
        }
        Ok(discarded)
    }
}

/// The WebID document of the owner, if it is in the storage.
fn owner_document(storage: &Storage) -> Option<ResourceIri> {
    ResourceIri::parse(storage.owner.document()).ok().filter(|document| storage.contains(document))
}

fn controls(graph: &Dataset, root: &str, owner: &str) -> bool {
    // Of each authorization: whether it is about the root, for the owner, with Control.
    let mut rules: HashMap<String, [bool; 3]> = HashMap::new();
    for quad in graph.quads_for_graph_name(GraphNameRef::DefaultGraph) {
        let object = quad.object.to_string();
        let is = |iri: &str| object == format!("<{iri}>");
        let found = match quad.predicate.as_str().strip_prefix(vocab::acl::NS) {
            Some("accessTo") if is(root) => 0,
            Some("agent") if is(owner) => 1,
            Some("mode") if is(&format!("{}Control", vocab::acl::NS)) => 2,
            _ => continue,
        };
        rules.entry(quad.subject.to_string()).or_default()[found] = true;
    }
    rules.values().any(|rule| rule.iter().all(|held| *held))
}
