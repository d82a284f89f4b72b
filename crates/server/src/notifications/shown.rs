//! Whether what happened may be shown to who looks back at it: by the rules of then and of now, as it would have been told.

use crate::{app::App, problem::Problem};
use podbell_hub::{About, Answer, Authorize as _, Need, Question};
use podbell_log::{At, LogError};
use podbell_model::{Generation, ResourceIri, Sequence, Subject};
use std::{collections::HashMap, sync::Arc};

/// What the rules of now say to somebody; one life of a resource is asked about once.
pub(super) struct Shown<'a> {
    app: &'a App,
    subject: Arc<Subject>,
    held: HashMap<(ResourceIri, Option<Generation>, Need), Answer>,
}

impl<'a> Shown<'a> {
    pub(super) fn to(app: &'a App, subject: &Arc<Subject>) -> Self {
        Self { app, subject: Arc::clone(subject), held: HashMap::new() }
    }

    /// Whether something may be shown that happened with that commit; of what is of no commit, the rules of now decide.
    pub(super) async fn may(&mut self, about: &About, then: Option<Sequence>) -> Result<bool, Problem> {
        let life = (about.resource.clone(), about.generation, about.need);
        if !self.held.contains_key(&life) {
            let Some(answer) = self.ask(about, At::Now).await? else { return Ok(false) };
            self.held.insert(life.clone(), answer);
        }
        let Some(now) = self.held.get(&life).filter(|answer| answer.allowed) else { return Ok(false) };
        // From `since` to `as_of` the answer is the same.
        let Some(then) = then.filter(|then| !(now.since..=now.as_of).contains(then)) else { return Ok(true) };
        Ok(self.ask(about, At::Commit(then)).await?.is_some_and(|then| then.allowed))
    }

    /// Asks the judge; none if the rules of then are no longer known.
    async fn ask(&self, about: &About, at: At) -> Result<Option<Answer>, Problem> {
        let question = Question {
            subject: Arc::clone(&self.subject),
            storage: about.topic.storage,
            resource: about.resource.clone(),
            generation: about.generation,
            need: about.need,
            at,
        };
        match self.app.judge.authorize(&question, self.app.now()).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(error.0.downcast_ref(), Some(LogError::Gap)) => Ok(None),
            Err(error) => Err(Problem::unavailable(error)),
        }
    }
}
