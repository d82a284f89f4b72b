//! The members of a container, some at a time, so that a container of any size is listed in bounded memory.
//!
//! Each portion is read when the one before has been taken, and sees its own moment. Nothing is held between two: a
//! reader that is slow costs the store nothing. A member that is there throughout is listed once. The tag of a listing
//! was read before all of them, so it is never newer than what is listed.

use crate::store::{Member, Store, StoreError};
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use podbell_model::ResourceIri;
use std::{pin::Pin, sync::Arc};

/// Most members that are in memory at once.
pub(crate) const PORTION: usize = 250;

/// The members of a container as they come, some at a time.
pub type MemberStream = Pin<Box<dyn Stream<Item = Result<Vec<Member>, StoreError>> + Send>>;

/// The members that come after `after`.
pub(crate) fn portions(store: Arc<dyn Store>, container: ResourceIri, after: Option<ResourceIri>) -> MemberStream {
    stream::try_unfold(Some((store, container, after)), |state| async move {
        let Some((store, container, after)) = state else { return Ok(None) };
        let portion = store.members_after(&container, after.as_ref(), PORTION).await?;
        let last = portion.last().map(|last| last.iri.clone()).filter(|_| portion.len() == PORTION);
        let more = last.map(|last| (store, container, Some(last)));
        Ok((!portion.is_empty()).then_some((portion, more)))
    })
    .boxed()
}
