//! The engine on the calling thread, for benchmarks: messages go in, a worker runs until the queue is empty.
//!
//! Nothing here is called by the daemon; it shows what the same code costs without threads and sockets.

use crate::engine::Engine;
use crate::queue::Queue;
use crate::worker::Worker;
use std::sync::Arc;
use sysloom_abi::{Frame, submit_flag};

impl Engine {
    /// Puts the messages that `frames` names in `block` into the queue, as input number `input` would.
    pub fn submit_inline(&self, input: u32, block: &[u8], frames: &[Frame]) {
        self.intake.submit(input, block, frames, submit_flag::FLUSH);
    }

    /// A worker for [`Engine::work_inline`]; it keeps its buffers from run to run.
    pub fn worker_inline(&self) -> Worker {
        Worker::new(Arc::clone(&self.program), Arc::clone(&self.queue))
    }

    /// Works until the queue is empty.
    pub fn work_inline(&self, worker: &mut Worker) {
        worker.work_off();
    }

    /// The main queue.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }
}
