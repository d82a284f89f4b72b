//! Who may do and hear what, by the rules of any moment: Web Access Control over the history of the rules.
//!
//! `wac` knows the rules and no documents; the policy history knows the documents and no rules. [`Judge`] brings them
//! together, for the pod ([`Judge::permit`]) and for the hub ([`podbell_hub::Authorize`]). What cannot be read grants
//! nothing, and every answer says what it depends on, so that a change of the rules can revoke it exactly.
//!
//! Spec: <https://solidproject.org/TR/wac>

mod groups;
mod history;
mod listener;
mod parsed;
mod remote_groups;
#[cfg(test)]
mod tests;

pub use groups::{MAX_LOCAL_GROUPS, MAX_REMOTE_GROUPS};
use history::{Entry, Reading};
use parsed::Parsed;
use podbell_egress::Fetch;
use podbell_log::{At, LogError, PolicyHistory};
use podbell_model::{Generation, ResourceIri, Sequence, Storage, StorageId, Subject, Timestamp};
use podbell_wac::{Access, Decision, Decisions, Effective, Found, Operation, Permitted, Refusal, Rules, Slots};
use remote_groups::RemoteGroups;
use std::{sync::Arc, time::Duration};

/// Most resources that one operation may touch, the target and the containers it would create; more are refused.
pub const MAX_REQUIREMENTS: usize = 64;
/// How long somebody may still be taken for a member of a group elsewhere that no longer names them; stated in the
/// storage description. All other withdrawals are exact.
pub const REMOTE_GROUP_BOUND: Duration = remote_groups::FRESH;

/// The storages of this server.
pub trait Storages: Send + Sync + 'static {
    /// The storage that a resource is in, or would be in.
    fn containing(&self, resource: &ResourceIri) -> Option<Arc<Storage>>;

    /// A storage by its number; none once it has been deleted.
    fn get(&self, id: StorageId) -> Option<Arc<Storage>>;
}

impl Storages for podbell_pod::Storages {
    fn containing(&self, resource: &ResourceIri) -> Option<Arc<Storage>> {
        self.containing(resource)
    }

    fn get(&self, id: StorageId) -> Option<Arc<Storage>> {
        self.get(id)
    }
}

/// Judges by the rules of any moment that the policy history still holds.
pub struct Judge {
    history: Arc<dyn PolicyHistory>,
    storages: Arc<dyn Storages>,
    remote_groups: RemoteGroups,
    parsed: Parsed,
    rules: Rules,
}

/// A decision, and how long it holds.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What the subject may do.
    pub decision: Decision,
    /// The newest commit among those that last touched a dependency.
    pub since: Sequence,
    /// The commit as of which it was decided; from `since` to here it is the same.
    pub as_of: Sequence,
    /// The policy documents and empty slots that can still change it.
    pub depends_on: Arc<[ResourceIri]>,
    /// When it must be decided again at the latest, because group documents elsewhere were read.
    pub valid_until: Option<Timestamp>,
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The resource is in no storage of this server.
    #[error("the resource is in no storage of this server")]
    NoStorage,
    /// The rules cannot be read, or are no longer known.
    #[error("the rules cannot be read")]
    History(#[from] LogError),
}

/// Why an operation is not permitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPermitted {
    /// The rules do not grant it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody can tell.
    #[error(transparent)]
    Unknown(#[from] JudgeError),
}

impl Judge {
    /// A judge over these rules; `fetch` gets group documents from elsewhere.
    pub fn new(
        history: Arc<dyn PolicyHistory>,
        storages: Arc<dyn Storages>,
        fetch: Arc<dyn Fetch>,
        rules: Rules,
    ) -> Self {
        Self { history, storages, remote_groups: RemoteGroups::new(fetch), parsed: Parsed::new(), rules }
    }

    /// Believes group documents elsewhere for so long, and never longer than [`REMOTE_GROUP_BOUND`].
    #[must_use]
    pub fn with_remote_group_bound(mut self, bound: Duration) -> Self {
        self.remote_groups.bound = bound.min(REMOTE_GROUP_BOUND);
        self
    }

    /// How this server reads ACLs; for [`podbell_wac::validate`].
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Decides what `subject` may do to `resource` by the rules of `at`. For an auxiliary resource the decision is
    /// about its subject; [`Decision::permits`] and [`Decision::wac_allow`] take that into account.
    pub async fn decide(
        &self,
        subject: &Subject,
        resource: &ResourceIri,
        at: At,
        now: Timestamp,
    ) -> Result<Judged, JudgeError> {
        let storage = self.storages.containing(resource).ok_or(JudgeError::NoStorage)?;
        Ok(self.judge(&storage, subject, resource, None, at, now).await?)
    }

    /// Permits an operation by the newest rules, all read as of one commit.
    pub async fn permit<O: Operation>(
        &self,
        operation: O,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Permitted<O>, NotPermitted> {
        let access = operation.access();
        let storage = self.storages.containing(access.resource()).ok_or(JudgeError::NoStorage)?;
        let mut decisions = Decisions::new(subject.clone());
        let needs = access.requirements(&storage);
        // More are refused by deciding nothing, in the words of any refusal: how many there are tells what exists.
        if needs.len() <= MAX_REQUIREMENTS {
            let slots = Slots::of(access.resource(), &storage);
            let reading = Reading::begin(&*self.history, &slots, access.resource(), None, At::Now).await;
            let reading = reading.map_err(JudgeError::History)?;
            for need in needs {
                let slots = Slots::of(&need.resource, &storage);
                let judged = self.judge_by(&reading, &slots, &storage, subject, now).await;
                let judged = judged.map_err(JudgeError::History)?;
                decisions.insert(judged.decision, judged.as_of);
            }
        }
        Ok(podbell_wac::authorize(operation, &storage, decisions)?)
    }

    /// Permits the first of these accesses that the rules grant; refuses if they grant none.
    pub async fn permit_any(
        &self,
        accesses: Vec<Access>,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Permitted<Access>, NotPermitted> {
        let mut refusal = JudgeError::NoStorage.into();
        for access in accesses {
            match self.permit(access, subject, now).await {
                Err(refused @ NotPermitted::Refused(_)) => refusal = refused,
                told => return told,
            }
        }
        Err(refusal)
    }

    /// Judges by the rules of `at`. `life` is the life of `resource` that it is about, as
    /// [`podbell_hub::Question::generation`] says.
    async fn judge(
        &self,
        storage: &Storage,
        subject: &Subject,
        resource: &ResourceIri,
        life: Option<Generation>,
        at: At,
        now: Timestamp,
    ) -> Result<Judged, LogError> {
        let slots = Slots::of(resource, storage);
        let reading = Reading::begin(&*self.history, &slots, resource, life, at).await?;
        self.judge_by(&reading, &slots, storage, subject, now).await
    }

    /// The one way to a decision.
    async fn judge_by(
        &self,
        reading: &Reading<'_>,
        slots: &Slots,
        storage: &Storage,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Judged, LogError> {
        let documents = reading.documents(slots);
        let effective = self.effective(slots, documents).await;
        if let Err(nobody) = effective.acl() {
            tracing::error!(storage = %storage.root, reason = %nobody, "a resource is open to the storage's owner only");
        }
        let looked_at = documents.iter().take(effective.depends_on().len());
        let since = looked_at.map(|(touched, _)| *touched).max().unwrap_or_default();
        let loaded = self.groups(reading, effective.groups_needed(subject), now).await?;
        let decision = effective.decide(subject, &loaded.groups, &self.rules, &storage.owner);
        // The own slot of a life that is over stands still: what is written there later rules another life.
        let frozen = usize::from(reading.ended.is_some());
        let mut depends_on: Vec<ResourceIri> = effective.depends_on().iter().skip(frozen).cloned().collect();
        for document in loaded.local {
            if !depends_on.contains(&document) {
                depends_on.push(document);
            }
        }
        Ok(Judged {
            decision,
            since: since.max(loaded.touched),
            as_of: reading.as_of,
            depends_on: depends_on.into(),
            valid_until: loaded.valid_until,
        })
    }

    async fn effective(&self, slots: &Slots, documents: &[Entry]) -> Effective {
        let mut found = Vec::new();
        for (slot, (_, body)) in slots.as_slice().iter().zip(documents) {
            let Some(body) = body else {
                found.push(Found::Absent);
                continue;
            };
            found.push(self.parsed.acl(slot, body).await.map_or(Found::Unreadable, Found::Document));
            break;
        }
        slots.effective(found)
    }
}
