//! The thread that owns the network: it takes requests in order, runs rounds, and keeps the
//! network's clock at the machine's.

use localnet::{CertifiedState, Ingress, MessageId, Net, Node, Principal, Reject, View};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Requests taken into one round, at most.
const BATCH: usize = 1_000;
/// How far the network's clock may fall behind before a round is run for it.
const MAX_LAG: Duration = Duration::from_secs(1);

/// How a call ended that was submitted to be waited for.
pub(crate) enum CallOutcome {
    /// There is a response, and this state certifies it.
    Finished(Arc<CertifiedState>),
    /// The call was not accepted.
    Refused(Reject),
}

enum Command {
    /// Runs between rounds.
    Run(Box<dyn FnOnce(&mut Net) + Send>),
    /// Submits a call; who waits is told when it has ended.
    Call(Box<Ingress>, oneshot::Sender<CallOutcome>),
    /// Ends the thread.
    Stop,
}

/// The network is gone: its thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the network is shutting down")]
pub(crate) struct Gone;

/// Access to the network from any thread.
#[derive(Clone)]
pub(crate) struct Network {
    commands: Sender<Command>,
    latest: Arc<RwLock<View>>,
    pub(crate) facts: Arc<Facts>,
}

/// What never changes about a network.
pub(crate) struct Facts {
    /// In DER.
    pub(crate) root_key: Vec<u8>,
    pub(crate) node: Arc<Node>,
    pub(crate) subnet: Principal,
    pub(crate) canister_range: (Principal, Principal),
}

impl Network {
    /// Starts the thread. Joining it after [`Network::stop`] gives the network back.
    pub(crate) fn start(mut net: Net) -> (Self, JoinHandle<Net>) {
        let facts = Facts {
            root_key: net.root_key(),
            node: net.node(),
            subnet: net.subnet_id(),
            canister_range: net.canister_range(),
        };
        let (commands, received) = channel();
        let latest = Arc::new(RwLock::new(net.view()));
        let writer = Writer { net, received, waiting: Vec::new(), latest: Arc::clone(&latest) };
        let thread = std::thread::spawn(move || writer.run());
        (Self { commands, latest, facts: Arc::new(facts) }, thread)
    }

    /// Runs a function on the network, between rounds.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Net) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |net: &mut Net| {
            // Nobody is there to hear of it if the client has gone away.
            let _ = answer.send(run(net));
        });
        self.commands.send(Command::Run(run)).map_err(|_| Gone)?;
        answered.await.map_err(|_| Gone)
    }

    /// Calls a query method on the state after the latest round, beside all else that goes on.
    pub(crate) async fn query(
        &self,
        canister: Principal,
        sender: Principal,
        method: String,
        arg: Vec<u8>,
    ) -> Result<Result<Vec<u8>, Reject>, Gone> {
        let view = self.latest.read().unwrap_or_else(PoisonError::into_inner).clone();
        let query = tokio::task::spawn_blocking(move || view.query_raw(canister, sender, &method, arg));
        query.await.map_err(|_| Gone)
    }

    /// Submits a call; what is returned tells how it ended.
    pub(crate) fn call(&self, ingress: Ingress) -> Result<oneshot::Receiver<CallOutcome>, Gone> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Call(Box::new(ingress), answer)).map_err(|_| Gone)?;
        Ok(answered)
    }

    /// Ends the thread after the round it is in.
    pub(crate) fn stop(&self) {
        // It may have ended already.
        let _ = self.commands.send(Command::Stop);
    }
}

/// The machine's clock, nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

struct Writer {
    net: Net,
    received: Receiver<Command>,
    waiting: Vec<(MessageId, oneshot::Sender<CallOutcome>)>,
    /// What queries see.
    latest: Arc<RwLock<View>>,
}

impl Writer {
    fn run(mut self) -> Net {
        while self.take_commands() {
            let lag = Duration::from_nanos(now().saturating_sub(self.net.now()));
            self.follow_clock();
            if !self.net.is_idle() || lag >= MAX_LAG {
                self.net.tick();
                self.publish();
                self.tell_finished();
            }
        }
        self.net
    }

    /// Waits for commands unless there is work to do, and executes those that are there.
    fn take_commands(&mut self) -> bool {
        let mut next = match self.received.recv_timeout(self.patience()) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        let mut taken = 0;
        while let Some(command) = next {
            self.catch_up();
            match command {
                Command::Run(run) => {
                    run(&mut self.net);
                    self.publish();
                }
                Command::Call(ingress, answer) => self.submit(*ingress, answer),
                Command::Stop => return false,
            }
            taken += 1;
            next = if taken < BATCH { self.received.try_recv().ok() } else { None };
        }
        true
    }

    /// How long there is nothing to do but to wait for requests. A heartbeat comes with every round:
    /// with those that the clock needs, if nothing else asks for one.
    fn patience(&self) -> Duration {
        if !self.net.is_idle() {
            return Duration::ZERO;
        }
        let now = now();
        match self.net.next_due() {
            Some(due) if due > now => Duration::from_nanos(due - now).min(MAX_LAG),
            _ => MAX_LAG,
        }
    }

    fn submit(&mut self, ingress: Ingress, answer: oneshot::Sender<CallOutcome>) {
        match self.net.submit_ingress(ingress) {
            Ok(id) => self.waiting.push((id, answer)),
            Err(reject) => {
                // Nobody is there to hear of it if the client has gone away.
                let _ = answer.send(CallOutcome::Refused(reject));
            }
        }
        if self.net.is_idle() {
            // The call was known already.
            self.tell_finished();
        }
    }

    /// What a request sees must not be old: clients refuse certificates of a past they left behind.
    fn catch_up(&mut self) {
        if Duration::from_nanos(now().saturating_sub(self.net.now())) > MAX_LAG {
            self.follow_clock();
            self.net.tick();
            self.publish();
        }
    }

    fn publish(&mut self) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = self.net.view();
    }

    /// Time never goes back, whatever the machine's clock does.
    fn follow_clock(&mut self) {
        self.net.set_time(now());
    }

    fn tell_finished(&mut self) {
        if self.waiting.iter().all(|(id, _)| !self.net.is_finished(id)) {
            return;
        }
        let state = self.net.certified_state();
        let (finished, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(id, answer)| self.net.is_finished(id) || answer.is_closed());
        self.waiting = waiting;
        for (_, answer) in finished {
            // As above.
            let _ = answer.send(CallOutcome::Finished(Arc::clone(&state)));
        }
    }
}
