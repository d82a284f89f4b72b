//! Documents of a pod that arrives: small ones are written some at a time, so that they share their way to the disk.
//!
//! The rule: what depends on documents that came before (containers, ACLs, descriptions, the end) waits for them.

use super::arrival::Arrival;
use futures_util::future::join_all;
use podbell_model::{ResourceIri, Timestamp};
use podbell_pod::{Content, Effect, Kind, Problem};

/// How many are written at once.
const TOGETHER: usize = 64;

/// A document that has come.
pub(super) struct Come {
    pub(super) file: String,
    pub(super) document: ResourceIri,
    pub(super) size: u64,
    pub(super) modified: Option<Timestamp>,
}

impl Arrival<'_> {
    /// Has a small document wait for others.
    pub(super) async fn gather(&mut self, come: Come, content: Content) -> Result<(), Problem> {
        // Of two of one name the first is first.
        if self.gathered.iter().any(|(other, _)| other.document == come.document) {
            self.write_gathered().await?;
        }
        self.gathered.push((come, content));
        if self.gathered.len() < TOGETHER { Ok(()) } else { self.write_gathered().await }
    }

    /// Writes what waits.
    pub(super) async fn write_gathered(&mut self) -> Result<(), Problem> {
        let (all, contents): (Vec<_>, Vec<_>) = std::mem::take(&mut self.gathered).into_iter().unzip();
        let writes = all.iter().zip(contents).map(|(come, content)| self.write(&come.document, content));
        let written = join_all(writes).await;
        for (come, written) in all.into_iter().zip(written) {
            self.came(come, written).await?;
        }
        Ok(())
    }

    /// Counts a document that is written, or says why it is not.
    pub(super) async fn came(&mut self, come: Come, written: Result<Effect, Problem>) -> Result<(), Problem> {
        let Come { file, document, size, modified } = come;
        match written {
            Ok(Effect::Replaced) if !self.given.remove(&document) => self.refuse(&file, "the archive has it twice"),
            Ok(_) => {
                self.report.resources += 1;
                self.report.bytes += size;
                self.date(document, modified).await
            }
            Err(problem) if !is_its_own(&problem) => {
                self.ended_at = Some(file);
                Err(problem)
            }
            Err(problem) if self.without_broken => {
                self.report.leave_out(&file, &problem.to_string());
                Ok(())
            }
            Err(problem) => self.refuse(&file, problem.to_string()),
        }
    }
}

/// Whether it is the document that cannot be kept, and not anything.
fn is_its_own(problem: &Problem) -> bool {
    !matches!(problem, Problem::Receive(_)) && !matches!(problem.kind(), Kind::Full | Kind::Failed)
}
