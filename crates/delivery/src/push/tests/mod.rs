//! The courier, over a queue in memory: what it does with what comes back, and what it leaves alone.

mod batches;
mod channels;
mod fairness;
mod leave;
mod outcomes;
mod receiver;
mod retries;
mod steadiness;
mod world;
