//! What the judge says of many questions at once, for as long as one look at the log takes.
//!
//! Asked by the rules of now first: that answer serves every commit since the rules last changed. Only what is older is
//! asked again by the rules of its commit. Slow rules are waited for briefly: whoever wrote them delays nobody else.

use crate::{Answer, Question, engine::Inner};
use podbell_log::At;
use podbell_model::Sequence;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::timeout};

/// How long answers are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// The answers of one look.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    answers: HashMap<Question, Answer>,
}

impl Verdicts {
    /// Asks what is not known yet, all at once. What is not answered in time, or cannot be, stays unknown.
    pub(crate) async fn ask(&mut self, inner: &Arc<Inner>, questions: impl IntoIterator<Item = Question>) {
        let unknown: HashSet<Question> =
            questions.into_iter().filter(|question| !self.answers.contains_key(question)).collect();
        let mut asked = JoinSet::new();
        for question in unknown {
            let inner = Arc::clone(inner);
            asked.spawn(async move {
                let answer = inner.judge(&question).await;
                (question, answer)
            });
        }
        let answers = async {
            while let Some(done) = asked.join_next().await {
                match done {
                    Ok((question, Ok(answer))) => drop(self.answers.insert(question, answer)),
                    Ok((_, Err(error))) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "the rules cannot be read");
                    }
                    Err(error) => tracing::error!(%error, "a question was dropped"),
                }
            }
        };
        if timeout(PATIENCE, answers).await.is_err() {
            tracing::debug!("rules are slow to read; who waits for them waits alone");
        }
    }

    /// The answer to a question of now.
    pub(crate) fn now(&self, question: &Question) -> Option<bool> {
        self.answers.get(question).map(|answer| answer.allowed)
    }

    /// The answer by the rules of a commit to a question of now; none if it is not known.
    pub(crate) fn then(&self, question: &Question, commit: Sequence) -> Option<bool> {
        let reaches = |answer: &&Answer| answer.since <= commit && commit <= answer.as_of;
        let serves = self.answers.get(question).filter(reaches);
        serves.or_else(|| self.answers.get(&at(question, commit))).map(|answer| answer.allowed)
    }

    /// What is left to ask about a commit, once the question of now was answered.
    pub(crate) fn missing(&self, question: &Question, commit: Sequence) -> Option<Question> {
        let known = self.answers.contains_key(question);
        (known && self.then(question, commit).is_none()).then(|| at(question, commit))
    }
}

fn at(question: &Question, commit: Sequence) -> Question {
    Question { at: At::Commit(commit), ..question.clone() }
}
