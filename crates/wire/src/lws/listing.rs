//! Subscriptions as a container of Linked Web Storage.

use super::{CONTEXT, MEDIA_TYPE, NAMESPACE, SubscriptionType};
use crate::lexical::date_time;
use podbell_model::Timestamp;
use serde::Serialize;

/// One page of the subscriptions of an agent.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// The container.
    pub id: &'a str,
    /// How many there are on all pages.
    pub total: usize,
    /// Those of this page.
    pub items: &'a [Item],
}

/// A subscription in a listing.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it is looked after.
    pub id: String,
    /// Its type.
    pub subscription_type: SubscriptionType,
    /// Bytes of its [`State`](super::State).
    pub size: usize,
    /// When it was made.
    pub modified: Timestamp,
}

impl Listing<'_> {
    /// Writes it.
    pub fn write(&self) -> Vec<u8> {
        let items = self.items.iter().map(|item| Member {
            id: &item.id,
            types: ["DataResource".to_owned(), format!("{NAMESPACE}{}", item.subscription_type.name())],
            media_type: MEDIA_TYPE,
            size: item.size,
            modified: date_time(item.modified),
        });
        crate::json(&Container {
            context: CONTEXT,
            id: self.id,
            kind: "Container",
            total_items: self.total,
            items: items.collect(),
        })
    }
}

#[derive(Serialize)]
struct Container<'a> {
    #[serde(rename = "@context")]
    context: &'a str,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "totalItems")]
    total_items: usize,
    items: Vec<Member<'a>>,
}

#[derive(Serialize)]
struct Member<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    types: [String; 2],
    #[serde(rename = "mediaType")]
    media_type: &'a str,
    size: usize,
    modified: String,
}
