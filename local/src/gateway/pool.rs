//! Sandboxes: as many invocations at a time as there are contexts, a bounded queue before them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Everything is busy and the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// A pool of sandboxes. One invocation at a time has a sandbox, as in Lambda.
pub struct Pool<T> {
    /// The one used last is used next: it is warm.
    idle: Mutex<Vec<T>>,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl<T: Copy + Send + 'static> Pool<T> {
    /// A pool of these sandboxes; at most `waiting_max` invocations wait for one.
    pub fn new(sandboxes: Vec<T>, waiting_max: usize) -> Arc<Self> {
        let running = Arc::new(Semaphore::new(sandboxes.len()));
        let admitted = Arc::new(Semaphore::new(sandboxes.len() + waiting_max));
        Arc::new(Self { idle: Mutex::new(sandboxes), running, admitted })
    }

    /// A sandbox, at once or after waiting in the queue.
    pub async fn take(self: &Arc<Self>) -> Result<Lease<T>, Refused> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| Refused)?;
        let running = self.running.clone().acquire_owned().await.map_err(|_| Refused)?;
        let sandbox = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let sandbox = sandbox.expect("there are as many sandboxes as permits");
        Ok(Lease { pool: self.clone(), sandbox, _permits: (running, admitted) })
    }
}

/// A sandbox for one invocation; dropping it gives it back.
pub struct Lease<T: Copy> {
    pool: Arc<Pool<T>>,
    /// The sandbox.
    pub sandbox: T,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

impl<T: Copy> Drop for Lease<T> {
    // Runs before the permits are returned, so that whoever gets them finds the sandbox.
    fn drop(&mut self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.sandbox);
    }
}
