//! The one thread that writes, and the transactions that it shares among those who wait.
//!
//! A write that finds the thread idle is committed at once; what arrives while the disk is busy goes into the next
//! transaction together. Each write has a savepoint, so that one which fails harms no other. Nobody is answered
//! before the transaction is on disk and visible.

use crate::{
    bodies::Bodies,
    error::{Cause, EngineError},
    recent::Published,
    retention::{self, Retention},
    step::{Ledger, Step},
};
use podbell_model::{StorageId, Timestamp};
use rusqlite::Connection;
use std::{collections::HashMap, sync::Arc, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

/// Most writes in one transaction.
const BATCH: usize = 256;
/// Most writes that wait; who comes then waits to wait.
const WAITING: usize = 4 * BATCH;
/// How many commits to a storage until its history is looked at.
const LOOK_AFTER: u32 = 64;

/// One write, of any kind.
trait Job: Send {
    /// Does its work; false to have it rolled back.
    fn run(&mut self, step: &mut Step<'_>) -> bool;

    /// Whether it failed for want of space.
    fn is_full(&self) -> bool;

    /// Answers whoever waits; an error of the transaction overrides what the work gave.
    fn answer(self: Box<Self>, transaction: Result<(), EngineError>);
}

struct Write<W, T, E> {
    work: Option<W>,
    result: Option<Result<T, E>>,
    reply: Option<oneshot::Sender<Result<T, E>>>,
}

impl<W, T, E> Job for Write<W, T, E>
where
    W: FnOnce(&mut Step<'_>) -> Result<T, E> + Send,
    T: Send,
    E: Cause,
{
    fn run(&mut self, step: &mut Step<'_>) -> bool {
        self.result = self.work.take().map(|work| work(step));
        matches!(self.result, Some(Ok(_)))
    }

    fn is_full(&self) -> bool {
        matches!(&self.result, Some(Err(error)) if error.is_full())
    }

    fn answer(self: Box<Self>, transaction: Result<(), EngineError>) {
        let result = match (self.result, transaction) {
            (Some(Err(error)), Err(_)) if error.is_full() => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(result), Ok(())) => result,
            (None, Ok(())) => Err(EngineError::Stopped.into()),
        };
        if let Some(reply) = self.reply {
            // Whoever asked may have gone away meanwhile.
            let _ = reply.send(result);
        }
    }
}

/// The way to the thread; it ends, with everything it was given done, when this is dropped.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(
        db: Connection,
        ledger: Ledger,
        retention: Retention,
        published: Arc<Published>,
        bodies: Arc<Bodies>,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let written = HashMap::new();
        let desk = Desk { db, waiting, ledger, retention, published, bodies, written, full: false };
        let thread = std::thread::Builder::new().name("podbell-writer".into()).spawn(move || desk.serve())?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has a write done; its result after it is durable.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut Step<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Cause,
    {
        let (reply, result) = oneshot::channel();
        let job = Box::new(Write { work: Some(work), result: None, reply: Some(reply) });
        let jobs = self.jobs.as_ref().ok_or(EngineError::Stopped)?;
        jobs.send(job).await.map_err(|_| EngineError::Stopped)?;
        result.await.map_err(|_| EngineError::Stopped)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic has been reported by its hook.
            let _ = thread.join();
        }
    }
}

/// What the thread has before it.
struct Desk {
    db: Connection,
    waiting: mpsc::Receiver<Box<dyn Job>>,
    ledger: Ledger,
    retention: Retention,
    published: Arc<Published>,
    bodies: Arc<Bodies>,
    /// Commits to each storage since its history was looked at.
    written: HashMap<StorageId, u32>,
    /// A write found no space.
    full: bool,
}

impl Desk {
    fn serve(mut self) {
        while let Some(job) = self.waiting.blocking_recv() {
            self.transact(job);
            if std::mem::take(&mut self.full) {
                self.make_room();
            }
            self.prune();
        }
        self.make_room();
    }

    /// Folds the write-ahead log into the database and leaves it empty; where this fails, nothing is lost.
    fn make_room(&self) {
        if let Err(error) = self.db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%error, "the write-ahead log was not folded into the database");
        }
    }

    fn transact(&mut self, first: Box<dyn Job>) {
        let mut jobs = Vec::new();
        let mut ledger = self.ledger.next();
        match self.work(first, &mut jobs, &mut ledger) {
            Ok(()) => {
                self.publish(ledger);
                for job in jobs {
                    job.answer(Ok(()));
                }
            }
            Err(error) => {
                if !self.db.is_autocommit()
                    && let Err(error) = self.db.execute_batch("ROLLBACK")
                {
                    tracing::error!(%error, "a failed transaction could not be rolled back");
                }
                self.full |= error.is_full();
                tracing::error!(?error, full = error.is_full(), writes = jobs.len(), "a transaction failed");
                let error = Arc::new(error);
                for job in jobs {
                    job.answer(Err(EngineError::Transaction(Arc::clone(&error))));
                }
            }
        }
    }

    fn work(
        &mut self,
        first: Box<dyn Job>,
        jobs: &mut Vec<Box<dyn Job>>,
        ledger: &mut Ledger,
    ) -> Result<(), EngineError> {
        let begun = self.statement("BEGIN IMMEDIATE");
        if let Err(error) = begun {
            jobs.push(first);
            return Err(error);
        }
        let mut next = Some(first);
        while let Some(mut job) = next {
            let mark = ledger.mark();
            if let Err(error) = self.statement("SAVEPOINT one") {
                jobs.push(job);
                return Err(error);
            }
            let keep = job.run(&mut Step { db: &self.db, ledger });
            let full = job.is_full();
            self.full |= full;
            jobs.push(job);
            if self.db.is_autocommit() {
                // The engine may end the whole transaction when it finds no space.
                return Err(EngineError::RolledBack { full });
            }
            if !keep {
                self.statement("ROLLBACK TO one")?;
                ledger.back_to(mark);
            }
            self.statement("RELEASE one")?;
            next = if jobs.len() < BATCH { self.waiting.try_recv().ok() } else { None };
        }
        if ledger.head != self.ledger.head {
            let numbers = [ledger.head.0, ledger.watermark.0].map(crate::columns::signed);
            self.db.prepare_cached("UPDATE standing SET head = ?1, watermark = ?2")?.execute(numbers)?;
        }
        self.statement("COMMIT")
    }

    fn statement(&self, sql: &str) -> Result<(), EngineError> {
        self.db.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn publish(&mut self, mut ledger: Ledger) {
        for digest in ledger.dropped.drain(..) {
            self.bodies.dropped(&digest);
        }
        for (digest, old) in ledger.sweepable.drain(..) {
            // Looked up again after the transaction and before the next: nothing can refer to it in between.
            if let Err(error) = self.bodies.sweep(&self.db, &digest, old) {
                tracing::warn!(%error, %digest, "an unused body was not swept");
            }
        }
        for (storage, now) in ledger.touched.drain(..) {
            let count = self.written.entry(storage).or_default();
            *count += 1;
            if *count >= LOOK_AFTER {
                *count = 0;
                self.retention.look_at(storage, now);
            }
        }
        self.published.publish(&mut ledger, self.ledger.watermark);
        self.ledger = ledger;
    }

    /// One small step, so that writers never wait long for it.
    fn prune(&mut self) {
        let Some((storage, now)) = self.retention.due.pop_front() else { return };
        let limits = self.retention.limits;
        let (reply, mut result) = oneshot::channel();
        let work = move |step: &mut Step<'_>| retention::prune(step, storage, now, limits);
        self.transact(Box::new(Write { work: Some(work), result: None, reply: Some(reply) }));
        match result.try_recv() {
            Ok(Ok(true)) => self.retention.due.push_back((storage, now)),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::warn!(%error, storage = storage.0, "history was not pruned"),
            Err(_) => tracing::warn!(storage = storage.0, "history was not pruned"),
        }
    }
}

impl Retention {
    /// A storage may hold more history than it should.
    fn look_at(&mut self, storage: StorageId, now: Timestamp) {
        if !self.due.iter().any(|(due, _)| *due == storage) {
            self.due.push_back((storage, now));
        }
    }
}
