//! `GET /.notifications/activity/?storage=ROOT`: what changed lately in a storage, the newest first, for its owner. An
//! extension.
//!
//! No more than a recursive channel on the root would have told, in the words of each resource's own channel: every
//! record is judged by Read on its object, by the rules of then and of now; changes of ACLs are not shown. A request
//! looks at a bounded part of the log and then gives a place to go on from, which is sealed.

use super::{managing, of_storage::OfStorage, shown::Shown};
use crate::problem::Problem;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use podbell_hub::{About, Need, Topic};
use podbell_log::{Fact, PolicyKind, Record};
use podbell_model::{Activity, ActivityKind, StreamPosition};
use podbell_wire::lexical;
use serde_json::{Value, json};

const PATH: &str = "/.notifications/activity/";
/// Most entries of a page, and how many there are if nobody says.
const PAGE: usize = 100;
/// Most records that one request looks at.
const LOOKED_AT: usize = 1_000;
/// Records that are read at a time.
const READ: usize = 100;

/// What one request finds.
#[derive(Debug, Default)]
struct Page {
    shown: Vec<Value>,
    /// The last record that was looked at, if older ones may be left.
    next: Option<StreamPosition>,
}

/// A page of what happened.
pub async fn activity(asked: OfStorage) -> Result<Response, Problem> {
    let limit = match asked.parameter("limit") {
        None => PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=PAGE).contains(limit))
            .ok_or_else(|| Problem::bad_request("`limit` is a number from 1 to 100"))?,
    };
    let horizon = asked.app.log.horizon(asked.storage).await.map_err(|error| asked.unread(error))?;
    let before = asked.parameter("after").map(|sealed| {
        let opened = asked.app.cursors.open_page(&sealed, &asked.subject, asked.storage, horizon.newest.epoch);
        opened.ok_or_else(|| Problem::bad_request("`after` is no page"))
    });
    let shown = Shown::to(&asked.app, &asked.subject);
    let page = Looking { asked: &asked, shown }.page(before.transpose()?, limit).await?;
    let id = asked.app.url(&asked.target.raw);
    let mut response = managing::answer(StatusCode::OK, Some(&id), json!({ "activity": page.shown }))?;
    if let Some(next) = page.next {
        let sealed = asked.app.cursors.page(&asked.subject, asked.storage, next);
        let sealed = sealed.ok_or_else(|| Problem::internal("a page cannot be sealed"))?;
        let (root, after) = (utf8_percent_encode(&asked.root, NON_ALPHANUMERIC), String::from_utf8_lossy(&sealed));
        let link = format!("<{}?storage={root}&limit={limit}&after={after}>; rel=\"next\"", asked.app.url(PATH));
        response.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).map_err(Problem::internal)?);
    }
    Ok(response)
}

/// Looks through the log for what may be shown.
struct Looking<'a> {
    asked: &'a OfStorage,
    shown: Shown<'a>,
}

impl Looking<'_> {
    async fn page(&mut self, before: Option<StreamPosition>, limit: usize) -> Result<Page, Problem> {
        let (mut page, mut place) = (Page::default(), before);
        for _ in 0..LOOKED_AT / READ {
            let records = self.asked.app.log.read_back(self.asked.storage, place, READ).await;
            let records = records.map_err(|error| self.asked.unread(error))?;
            for record in &records {
                place = Some(record.position);
                let Some(activity) = told(record) else { continue };
                let (storage, resource) = (self.asked.storage, activity.object.clone());
                let topic = Topic { storage, resource: resource.clone() };
                let about = About { topic, resource, generation: Some(activity.generation), need: Need::Read };
                if !self.shown.may(&about, Some(record.sequence)).await? {
                    continue;
                }
                page.shown.push(entry(activity));
                // Whether anything is left that may be shown is not looked at: a full page always has a next one.
                if page.shown.len() == limit {
                    return Ok(Page { next: place, ..page });
                }
            }
            if records.len() < READ {
                return Ok(page);
            }
        }
        Ok(Page { next: place, ..page })
    }
}

/// What a record tells of a resource; of ACLs and of the storage itself nothing.
fn told(record: &Record) -> Option<&Activity> {
    match &record.fact {
        Fact::Change(activity) | Fact::Policy { activity, kind: PolicyKind::Group } => Some(activity),
        Fact::Policy { kind: PolicyKind::Acl, .. } | Fact::Storage(..) => None,
    }
}

fn entry(activity: &Activity) -> Value {
    let kind = match activity.kind {
        ActivityKind::Create => "Create",
        ActivityKind::Update => "Update",
        ActivityKind::Delete => "Delete",
    };
    let mut entry = json!({
        "id": activity.id.urn().to_string(),
        "type": kind,
        "object": activity.object.as_str(),
        "published": lexical::date_time(activity.published),
    });
    // To the owner of the storage alone, who could look it up in what they keep.
    if let Some(actor) = &activity.actor {
        entry["actor"] = actor.as_str().into();
    }
    entry
}
