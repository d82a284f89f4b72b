//! Taking a pod in: a tar in the layout of other servers' directories becomes a pod that is seen when all of it is there.
//!
//! The rule: nothing is half-made. Every file is looked at, so that all that is wrong is told at once; if anything is,
//! what was begun is deleted. A look without importing does the same and keeps nothing. Whoever says so does without
//! broken documents; never without an ACL, since what it closed would be open.

use super::{
    Admin,
    arrival::{Arrival, Fatal},
    pods,
};
use crate::problem::Problem;
use axum::{
    Json,
    body::Body,
    extract::{Query, State},
    response::{IntoResponse as _, Response},
};
use futures_util::TryStreamExt as _;
use http::StatusCode;
use podbell_model::ResourceIri;
use podbell_pod::store::ByteStream;
use serde::{Deserialize, Serialize};
use std::{io, sync::Arc};
use tokio_util::io::StreamReader;

/// What is imported, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The name of the new pod.
    pub name: String,
    /// The owner's WebID; without one the pod's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who may speak for the pod's own WebID, besides those that its document names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Where the root was before: IRIs below it are changed in ACLs and descriptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Change them in all RDF documents.
    #[serde(default)]
    pub documents: bool,
    /// Do without documents that would be refused.
    #[serde(default)]
    pub leave_out_broken: bool,
    /// Keep nothing.
    #[serde(default)]
    pub check: bool,
}

/// A file, and what is said about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Said {
    /// Its path in the archive.
    pub file: String,
    /// What there is to say.
    pub why: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Report {
    /// The root of the new pod.
    pub root: String,
    /// Its owner.
    pub owner: String,
    /// How many containers and documents there are.
    pub resources: u64,
    /// How many ACLs and descriptions.
    pub auxiliaries: u64,
    /// How many bytes were in the files.
    pub bytes: u64,
    /// In how many files IRIs were changed.
    pub rewritten: u64,
    /// What stands against it; the first hundred.
    pub refused: Vec<Said>,
    /// How much does.
    pub refusals: u64,
    /// What does not stand against it, but will be missed.
    pub unwise: Vec<Said>,
    /// What is not kept here; the first hundred.
    pub left_out: Vec<Said>,
}

impl Report {
    const MOST: usize = 100;

    pub(super) fn refuse(&mut self, file: &str, why: impl AsRef<str>) {
        self.refusals += 1;
        if self.refused.len() < Self::MOST {
            self.refused.push(Said { file: shown(file), why: shown(why.as_ref()) });
        }
    }

    pub(super) fn leave_out(&mut self, file: &str, why: &str) {
        if self.left_out.len() < Self::MOST {
            self.left_out.push(Said { file: shown(file), why: shown(why) });
        }
    }
}

/// Text of an archive as a terminal may show it: nothing in it is a command.
fn shown(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).collect()
}

/// Imports a pod.
pub(super) async fn import(
    State(admin): State<Arc<Admin>>,
    Query(wanted): Query<Wanted>,
    body: Body,
) -> Result<Response, Problem> {
    // Whoever asked may go away; what was begun is ended all the same.
    let received = tokio::spawn(async move {
        let mut stream: ByteStream = Box::pin(body.into_data_stream().map_err(io::Error::other));
        let done = receive(&admin, &wanted, &mut stream).await;
        // An answer is heard by who is not interrupted.
        while let Ok(Some(_)) = stream.try_next().await {}
        done.map(|report| (wanted.check, report))
    });
    let (check, report) = received.await.map_err(Problem::internal)??;
    if report.refusals > 0 && !check {
        let lines: Vec<_> = report.refused.iter().map(|said| format!("  {}: {}", said.file, said.why)).collect();
        let more = report.refusals.saturating_sub(lines.len() as u64);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        return Err(Problem::blank(StatusCode::UNPROCESSABLE_ENTITY)
            .detail(format!("nothing was imported:\n{}{more}", lines.join("\n"))));
    }
    let status = if check { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(report)).into_response())
}

async fn receive(admin: &Admin, wanted: &Wanted, stream: &mut ByteStream) -> Result<Report, Problem> {
    let root = pods::new_root(admin, &wanted.name)?;
    let (owner, issuer) = pods::owner(admin, &root, wanted.owner.as_deref(), wanted.issuer.as_deref())?;
    let from = wanted.from.as_deref().map(root_elsewhere).transpose()?;
    let begun = admin.pod.begin_import(&root, &owner, &issuer, &wanted.name, admin.now()).await;
    let storage = begun.map_err(|error| pods::refused(&root, error))?;
    let taken = std::mem::replace(stream, Box::pin(futures_util::stream::empty()));
    let mut arrival = Arrival::new(admin, &storage, from, wanted);
    let (came, rest) = arrival.receive(StreamReader::new(taken)).await;
    if let Some(rest) = rest {
        *stream = rest.into_inner();
    }
    let report = arrival.report;
    let is_kept = came.is_ok() && report.refusals == 0 && !wanted.check;
    let ended = if is_kept {
        admin.pod.finish_import(&storage).await.map_err(Problem::internal)
    } else {
        admin.pod.delete_pod(&storage, admin.now()).await.map(drop).map_err(Problem::internal)
    };
    match came {
        Err(Fatal::Archive(error)) => {
            let why = shown(&error.to_string());
            Err(Problem::bad_request(format!(
                "nothing was imported: the archive cannot be read (a tar is, whole and not compressed): {why}"
            )))
        }
        Err(Fatal::Problem(file, problem)) => Err(Problem::blank(StatusCode::INSUFFICIENT_STORAGE)
            .detail(format!("nothing was imported: {}: {problem}", shown(&file)))),
        Ok(()) => ended.map(|()| report),
    }
}

/// The root of a pod on another server.
pub(super) fn root_elsewhere(url: &str) -> Result<ResourceIri, Problem> {
    let slash = if url.ends_with('/') { "" } else { "/" };
    ResourceIri::parse(&format!("{url}{slash}"))
        .map_err(|error| Problem::bad_request(format!("{url:?} is not where a pod can be: {error}")))
}
