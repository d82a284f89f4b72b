//! The hub's question: may this listener hear of this resource, by the rules of then?
//!
//! Asked for every notification by the rules as of its commit and by the newest ones. A storage that is gone tells
//! nothing more, not even of its own end.

use super::Judge;
use podbell_hub::{Answer, Authorize, Need, Question, Unavailable};
use podbell_log::LogError;
use podbell_model::Timestamp;
use podbell_wac::Modes;

#[async_trait::async_trait]
impl Authorize for Judge {
    async fn authorize(&self, question: &Question, now: Timestamp) -> Result<Answer, Unavailable> {
        self.answer(question, now).await.map_err(|error| Unavailable(Box::new(error)))
    }
}

impl Judge {
    async fn answer(&self, question: &Question, now: Timestamp) -> Result<Answer, LogError> {
        let Question { subject, resource, .. } = question;
        let Some(storage) = self.storages.get(question.storage) else {
            // Its number is never used again, so nothing can change this.
            let as_of = self.history.policies(&[], question.at).await?.as_of;
            return Ok(Answer { allowed: false, since: as_of, as_of, depends_on: [].into(), valid_until: None });
        };
        let judged = self.judge(&storage, subject, resource, question.generation, question.at, now).await?;
        let need = match question.need {
            Need::Read => Modes::READ,
            Need::Control => Modes::CONTROL,
        };
        Ok(Answer {
            allowed: judged.decision.permits(resource, need),
            since: judged.since,
            as_of: judged.as_of,
            depends_on: judged.depends_on,
            valid_until: judged.valid_until,
        })
    }
}
