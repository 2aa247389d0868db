//! Argon2 on threads of its own: as many as cores, with a bounded queue, never on the async workers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::model::credential::FreshPassword;
use crate::secret::{Hasher, Password, PasswordHash};
use crate::telemetry::{HASHING_REFUSED, HASHING_SECONDS};

/// Runs that may wait for each thread: at 12 ms a run, a second and a half.
const QUEUE_PER_THREAD: usize = 128;
/// A run that has no result by then is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of verifying a password.
#[derive(Debug)]
pub enum Verdict<Id> {
    Match(Id),
    Mismatch,
    /// Its turn came too late: too many had failed before it. It was not looked at, and took as long all the same.
    Blocked,
}

type Job = Box<dyn FnOnce(&mut Hasher) + Send>;

/// The hashing threads; clones share them. They end when the last clone is dropped.
#[derive(Clone)]
pub struct Hashing {
    queue: SyncSender<Job>,
    /// A hash of nobody's password, for usernames that don't exist.
    nobody: PasswordHash,
    /// How long a run takes here, in microseconds: a moving average.
    run_micros: Arc<AtomicU64>,
}

impl Hashing {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`Error::Setup`] when the system gives no thread or no memory.
    pub fn start() -> Result<Self> {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        let (queue, jobs) = sync_channel::<Job>(threads * QUEUE_PER_THREAD);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let jobs = jobs.clone();
            thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work(&jobs))
                .map_err(|cause| Error::setup(format!("no thread for hashing: {cause}")))?;
        }
        let began = Instant::now();
        let nobody = Hasher::default().hash(&Password::generate())?;
        let run_micros = Arc::new(AtomicU64::new(micros(began.elapsed())));
        Ok(Self { queue, nobody, run_micros })
    }

    /// Draws a credential's new password.
    ///
    /// # Errors
    /// [`Error::Unavailable`], as all of these, when the queue is full or there is no result in time.
    pub async fn fresh(&self) -> Result<FreshPassword> {
        let password = Password::generate();
        let hash = self.hash(password.clone()).await?;
        Ok(FreshPassword { password, hash })
    }

    /// Draws a new password whose hash shares a run with that of the one it follows.
    pub async fn fresh_beside(&self, current: PasswordHash) -> Result<FreshPassword> {
        let password = Password::generate();
        let hashed = password.clone();
        let hash = self.run(move |hasher| hasher.hash_beside(&hashed, &current)).await??;
        Ok(FreshPassword { password, hash })
    }

    pub async fn hash(&self, password: Password) -> Result<PasswordHash> {
        self.run(move |hasher| hasher.hash(&password)).await?
    }

    /// Whose password it is: that of `current`, that of `previous`, or neither. Where both are missing it takes as long.
    /// `blocked` is asked once more when its turn has come, so that of many guesses at once only the first are looked at.
    pub async fn verify<Id: Send + 'static>(
        &self,
        password: Password,
        current: Option<(Id, PasswordHash)>,
        previous: Option<(Id, PasswordHash)>,
        blocked: impl FnOnce() -> bool + Send + 'static,
    ) -> Result<Verdict<Id>> {
        let nobody = self.nobody.clone();
        let verdict = self.run(move |hasher| {
            if blocked() {
                return Ok(Verdict::Blocked);
            }
            let whose = match (current, previous) {
                (None, _) => hasher.verify(&password, &nobody).map(|_| None)?,
                (Some((id, hash)), None) => hasher.verify(&password, &hash)?.then_some(id),
                (Some((id, hash)), Some((previous_id, previous_hash))) => hasher
                    .verify_either(&password, &hash, &previous_hash)?
                    .map(|is_current| if is_current { id } else { previous_id }),
            };
            Ok::<_, Error>(whose.map_or(Verdict::Mismatch, Verdict::Match))
        });
        let verdict = verdict.await??;
        if matches!(verdict, Verdict::Blocked) {
            self.wait_as_long_as_a_run().await;
        }
        Ok(verdict)
    }

    /// Takes as long as a run, without the work: for an answer that must not be told from a real one by its time.
    pub async fn wait_as_long_as_a_run(&self) {
        tokio::time::sleep(Duration::from_micros(self.run_micros.load(Ordering::Relaxed))).await;
    }

    async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Hasher) -> T + Send + 'static) -> Result<T> {
        let (answer, result) = oneshot::channel();
        let (asked, average) = (Instant::now(), self.run_micros.clone());
        let job = move |hasher: &mut Hasher| {
            if answer.is_closed() {
                return;
            }
            let began = Instant::now();
            let outcome = job(hasher);
            let took = began.elapsed();
            histogram!(HASHING_SECONDS, "phase" => "wait").record(began.duration_since(asked));
            histogram!(HASHING_SECONDS, "phase" => "run").record(took);
            let before = average.load(Ordering::Relaxed);
            average.store((before * 7 + micros(took)) / 8, Ordering::Relaxed);
            let _nobody_waits_any_more = answer.send(outcome);
        };
        self.queue.try_send(Box::new(job)).map_err(|refusal| {
            counter!(HASHING_REFUSED).increment(1);
            Error::unavailable(match refusal {
                TrySendError::Full(_) => "the queue for hashing is full",
                TrySendError::Disconnected(_) => "the hashing threads have ended",
            })
        })?;
        match tokio::time::timeout(PATIENCE, result).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Error::unavailable("a hashing thread has ended")),
            Err(_) => {
                counter!(HASHING_REFUSED).increment(1);
                Err(Error::unavailable("no hashing slot was free in time"))
            }
        }
    }
}

impl fmt::Debug for Hashing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let mut hasher = Hasher::default();
    loop {
        let next = jobs.lock().recv();
        match next {
            Ok(job) => job(&mut hasher),
            Err(_) => return,
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
