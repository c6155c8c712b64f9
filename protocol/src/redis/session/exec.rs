//! MULTI, EXEC, DISCARD, WATCH: a queue of requests that becomes one commit.

use qanat::keys::{KeyError, KeyLock, KeyTransaction};

use super::{Queue, Session, locks};
use crate::redis::codec::Argv;
use crate::redis::commands::{self, Command, Flags, Id};
use crate::redis::error::{self, CommandError};
use crate::redis::translate::{self, Failure, generic, words};

impl Session {
    /// Runs or queues a request that is no plain command on keys.
    pub(super) async fn one(&mut self, argv: &Argv<'_>) {
        let command = match commands::resolve(argv) {
            Ok(command) => command,
            Err(error) => return self.unknown(argv, &error),
        };
        self.client.info.lock().command = command.name;
        let own = [Id::Exec, Id::Discard, Id::Multi, Id::Watch, Id::Quit, Id::Reset];
        if self.queue.is_some() && !own.contains(&command.id) {
            return self.enqueue(argv, command);
        }
        match command.id {
            Id::Multi => self.multi(),
            Id::Exec => self.exec().await,
            Id::Discard if self.queue.is_none() => {
                self.refuse(&Failure::Text("ERR DISCARD without MULTI"));
            }
            Id::Discard => {
                self.end_queue();
                self.reply().ok();
            }
            Id::Watch => self.watch(argv).await,
            Id::Unwatch => {
                self.keys.unwatch();
                self.reply().ok();
            }
            id if generic::is_alone(id) => self.alone(argv, command).await,
            _ => {
                if let Err(failure) = self.connection(command, argv, None).await {
                    self.refuse(&failure);
                }
            }
        }
    }

    fn unknown(&mut self, argv: &Argv<'_>, error: &CommandError<'_>) {
        self.spoil();
        let mut text = Vec::new();
        error.write_text(&mut text, argv.after(1).iter());
        self.server.stats.errors.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.reply().error_bytes(&text);
    }

    fn spoil(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.spoiled = true;
        }
    }

    fn multi(&mut self) {
        if self.queue.is_some() {
            return self.refuse(&Failure::Text("ERR MULTI calls can not be nested"));
        }
        self.queue = Some(Queue::default());
        self.reply().ok();
    }

    pub(super) fn end_queue(&mut self) {
        self.queue = None;
        self.keys.unwatch();
    }

    fn enqueue(&mut self, argv: &Argv<'_>, command: &'static Command) {
        let refused = if command.flags.has(Flags::NO_MULTI) {
            Some(Failure::Text("ERR Command not allowed inside a transaction"))
        } else if !translate::is_known(command.id) && !super::connection::is_known(command.id) {
            Some(super::connection::unsupported(command))
        } else {
            let limit = self.server.options.queue_bytes_max;
            let queued = self.queue.as_ref().map_or(0, |queue| queue.requests.bytes());
            let full = Failure::Named(format!("ERR MULTI queues at most {limit} bytes"));
            (queued + argv.bytes() > limit).then_some(full)
        };
        if let Some(failure) = refused {
            self.spoil();
            return self.refuse(&failure);
        }
        if let Some(queue) = &mut self.queue {
            queue.requests.push_copy(argv);
            queue.commands.push(command);
        }
        self.reply().simple("QUEUED");
    }

    async fn watch(&mut self, argv: &Argv<'_>) {
        if self.queue.is_some() {
            return self.refuse(&Failure::Text("ERR WATCH inside MULTI is not allowed"));
        }
        let keys: Vec<&[u8]> = argv.after(1).iter().collect();
        match self.keys.watch(&keys).await {
            Ok(()) => self.reply().ok(),
            Err(error) => self.refuse(&Failure::Key(error)),
        }
    }

    /// FLUSHDB, FLUSHALL, SWAPDB: one commit each.
    async fn alone(&mut self, argv: &Argv<'_>, command: &'static Command) {
        let mut queue = Queue::default();
        queue.requests.push_copy(argv);
        queue.commands.push(command);
        let start = self.out.len();
        if let Err(failure) = self.run_queue(&queue, false).await {
            self.out.truncate(start);
            self.refuse(&failure);
        }
    }

    async fn exec(&mut self) {
        let Some(queue) = self.queue.take() else {
            return self.refuse(&Failure::Text("ERR EXEC without MULTI"));
        };
        let start = self.out.len();
        if queue.spoiled {
            let text = "EXECABORT Transaction discarded because of previous errors.";
            self.refuse(&Failure::Text(text));
        } else if let Err(failure) = self.run_queue(&queue, true).await {
            self.out.truncate(start);
            self.refuse(&failure);
        }
        self.keys.unwatch();
    }

    async fn run_queue(&mut self, queue: &Queue, exec: bool) -> Result<(), Failure> {
        let writes = queue.commands.iter().any(|command| command.flags.has(Flags::WRITE));
        self.server.wait_paused(writes).await;
        let (start, space, lookups) = (self.out.len(), self.keys.space(), self.lookups);
        let mut attempt = 0;
        loop {
            self.out.truncate(start);
            self.lookups = lookups;
            self.keys.select(space);
            let (keys, error) = match self.try_queue(queue, exec, writes).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            if error::is_unknown(&error) {
                self.closing = true;
                self.out.truncate(start);
                return Ok(());
            }
            self.keys.again(keys, error, &mut attempt).await?;
        }
    }

    async fn try_queue(
        &mut self,
        queue: &Queue,
        exec: bool,
        writes: bool,
    ) -> Result<(), (Option<KeyTransaction>, KeyError)> {
        // Watched keys are held still too, so their check counts until the commit.
        let locking = writes || (exec && self.keys.is_watching());
        let mut keys = self.keys.begin(locking).await.map_err(|error| (None, error))?;
        if locking {
            let locks = queue_locks(queue, self.keys.space());
            if let Err(error) = keys.lock(locks.iter().copied()).await {
                return Err((Some(keys), error));
            }
        }
        if exec {
            match self.keys.watched_changed(&mut keys).await {
                Ok(false) => {}
                Ok(true) => {
                    self.reply().null_array();
                    return keys.rollback().await.map_err(|error| (None, error));
                }
                Err(error) => return Err((Some(keys), error)),
            }
            self.reply().array(queue.commands.len());
        }
        for (at, command) in queue.commands.iter().enumerate() {
            let argv = queue.requests.get(at, &[]);
            if translate::is_known(command.id) {
                if let Err(error) = self.call(&mut keys, command, argv, locking).await {
                    return Err((Some(keys), error));
                }
            } else {
                self.queued_connection(&mut keys, command, &argv).await;
            }
        }
        let space = keys.space();
        self.keys.commit(keys).await.map_err(|error| (None, error))?;
        self.keys.select(space);
        Ok(())
    }

    async fn queued_connection(
        &mut self,
        keys: &mut KeyTransaction,
        command: &'static Command,
        argv: &Argv<'_>,
    ) {
        if command.id == Id::Unwatch {
            return self.reply().ok();
        }
        let start = self.out.len();
        if let Err(failure) = self.connection(command, argv, Some(keys)).await {
            self.out.truncate(start);
            self.refuse(&failure);
        }
    }
}

/// Every key of the queue, those of each SELECT's key space: writes alone, reads shared.
fn queue_locks(queue: &Queue, mut space: u32) -> Vec<KeyLock<'_>> {
    let mut all = Vec::new();
    for (at, command) in queue.commands.iter().enumerate() {
        let argv = queue.requests.get(at, &[]);
        if command.id == Id::Select {
            let number = argv.get(1).and_then(|number| words::space(number, u32::MAX).ok());
            space = number.unwrap_or(space);
        }
        if command.flags.has(Flags::WRITE) || translate::reads_many(command.id) {
            all.extend(locks(std::iter::once((argv, *command)), space));
        } else if command.first > 0 && translate::is_known(command.id) {
            let keys = commands::keys::keys(command, &argv).unwrap_or_default();
            let keys = keys.iter().filter_map(|at| argv.get(at.index));
            all.extend(keys.map(|key| KeyLock { space, key, write: false }));
        }
    }
    all
}
