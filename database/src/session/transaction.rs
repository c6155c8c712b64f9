//! BEGIN, COMMIT, ROLLBACK, savepoints, and the transactions that nobody asked for by name.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use ::transaction::{Begin, ReadTracking, Wait};
use bytes::Bytes;
use language::sql::ast;
use model::Work;
use parking_lot::RwLock;
use query::execute::fault::fault;

use super::environment::{self, Environment};
use super::{Active, Level, Session, Status};
use crate::compile::Surroundings;
use crate::{Error, ErrorKind, Qanat, Result};

/// How a transaction begins.
#[derive(Debug, Clone, Copy)]
struct Modes {
    /// The level by the name it was asked for, which is what SHOW answers.
    isolation: &'static str,
    read_only: bool,
}

impl Qanat {
    /// A transaction without a session, for looking at the catalogue.
    pub(crate) async fn begin_plain(&self) -> Result<Work> {
        let begun = self.0.model.begin(Begin::default(), ReadTracking::Off, Arc::new(())).await;
        begun.map_err(fault)
    }
}

impl Session {
    /// The open transaction, begun now if there is none.
    pub(super) async fn active(&mut self) -> Result<&mut Active> {
        if self.active.is_none() {
            let modes = self.default_modes();
            self.open(modes).await?;
            self.status = Status::Implicit;
        }
        self.active.as_mut().ok_or_else(|| Error::internal("no transaction"))
    }

    fn default_modes(&self) -> Modes {
        let settings = self.settings.lock();
        Modes {
            isolation: settings.quick().default_isolation,
            read_only: settings.quick().default_read_only,
        }
    }

    async fn open(&mut self, modes: Modes) -> Result<()> {
        let environment = self.fresh_environment();
        let begin = Begin { at_least: self.seen, as_of: None, cancel: self.cancel.clone() };
        let level = level_of(modes.isolation);
        let tracking =
            if level == Level::Serializable { ReadTracking::On } else { ReadTracking::Off };
        let surroundings = Arc::new(Surroundings(environment.clone()));
        let work = self.qanat.0.model.begin(begin, tracking, surroundings).await.map_err(fault)?;
        environment.picture.write().0 = work.catalogue();
        // Released at once: to come back to it is slower then, but nothing is kept for it
        // meanwhile.
        let base = work.savepoint().map_err(fault)?;
        work.release(&base);
        self.settings.lock().begin(modes.isolation, modes.read_only);
        self.active = Some(Active {
            work: Arc::new(work),
            environment,
            level,
            read_only: modes.read_only,
            savepoints: Vec::new(),
            base,
            queried: false,
            wait: Wait::Forever,
        });
        Ok(())
    }

    /// What expressions of a new transaction see. That of the last one serves again where nobody
    /// holds it any more and the zone is still the same.
    fn fresh_environment(&mut self) -> Arc<Environment> {
        let (now, zone) = (environment::now(), self.settings.lock().quick().zone.clone());
        if let Some(mut spare) = self.spare.take()
            && let Some(known) = Arc::get_mut(&mut spare)
            && known.zone == zone
        {
            known.transaction_time = now;
            *known.statement_time.get_mut() = now;
            known.picture.get_mut().1 = self.database.id;
            return spare;
        }
        Arc::new(Environment {
            qanat: self.qanat.clone(),
            settings: self.settings.clone(),
            user: self.user.clone(),
            database: self.database.name.clone(),
            id: self.id,
            zone,
            transaction_time: now,
            statement_time: AtomicI64::new(now),
            picture: RwLock::new((Arc::default(), self.database.id)),
            sequences: self.sequences.clone(),
            random: self.random.clone(),
        })
    }

    /// Brings the transaction to the start of a statement: its time, its waits, and a fresh
    /// snapshot, which at the levels above READ COMMITTED only the first statement gets (BEGIN
    /// alone sees nothing).
    pub(super) async fn start_statement(&mut self) -> Result<&mut Active> {
        let fresh = self.active.is_none();
        let (lock_timeout, zone) = {
            let settings = self.settings.lock();
            (settings.quick().lock_timeout, settings.quick().zone.clone())
        };
        let active = self.active().await?;
        if !fresh && (active.level == Level::ReadCommitted || !active.queried) {
            active.work.refresh().await.map_err(fault)?;
        }
        if active.environment.zone != zone {
            active.change_zone(zone);
        }
        active.queried = true;
        // A transaction that begins with its first statement is of one time with it.
        let now = if fresh { active.environment.transaction_time } else { environment::now() };
        active.environment.statement_time.store(now, std::sync::atomic::Ordering::Relaxed);
        active.environment.picture.write().0 = active.work.catalogue();
        active.wait = match lock_timeout {
            0 => Wait::Forever,
            millis => Wait::For(std::time::Duration::from_millis(millis)),
        };
        active.work.set_wait(active.wait);
        Ok(active)
    }

    /// The end of a client's texts: commits the implicit transaction. A failure rolls it back.
    ///
    /// # Errors
    /// What the commit says.
    pub async fn sync(&mut self) -> Result<()> {
        if self.status != Status::Implicit {
            self.show(
                if self.status == Status::Idle { "idle" } else { "idle in transaction" },
                None,
            );
            return Ok(());
        }
        self.commit().await
    }

    /// A text failed: rolls an implicit transaction back, fails an explicit one. That one gives up
    /// its locks and writes at once (back to its newest savepoint, if it has one), since nobody can
    /// do anything with them any more.
    pub async fn fail(&mut self) {
        match self.status {
            Status::Implicit => {
                let _ = self.end(false).await;
            }
            Status::Explicit => {
                self.status = Status::Failed;
                self.show("idle in transaction (aborted)", None);
                if let Some(active) = &self.active {
                    let newest =
                        active.savepoints.last().map_or(&active.base, |(_, savepoint)| savepoint);
                    if let Err(error) = active.work.rollback_to(newest).await {
                        tracing::debug!(%error, "a failed transaction keeps its locks until it ends");
                    }
                    // The error's reply must not show what is not visible yet.
                    let _ = active.work.buffer().settle().await;
                }
            }
            Status::Idle | Status::Failed => {}
        }
    }

    async fn commit(&mut self) -> Result<()> {
        self.end(true).await
    }

    /// Ends the transaction; whatever happens there is none after it.
    async fn end(&mut self, commit: bool) -> Result<()> {
        self.status = Status::Idle;
        self.cursors.retain(|_, cursor| cursor.is_held());
        let Some(active) = self.active.take() else {
            self.settings.lock().end(commit);
            return Ok(());
        };
        let result = self.finish(active, commit).await;
        self.settings.lock().end(commit && result.is_ok());
        self.show("idle", None);
        result
    }

    async fn finish(&mut self, active: Active, commit: bool) -> Result<()> {
        let durability = self.durability();
        let Active { work, environment, .. } = active;
        self.spare = Some(environment);
        let Ok(work) = Arc::try_unwrap(work) else {
            // A portal of this transaction is still running somewhere: without it the writes cannot
            // be taken.
            return match commit {
                true => Err(Error::internal("a portal outlives its transaction")),
                false => Ok(()),
            };
        };
        if commit {
            let committed = work.commit(durability, Bytes::new()).await.map_err(fault)?;
            self.seen = self.seen.max(committed.stamp);
            return Ok(());
        }
        work.rollback().await.map_err(fault)
    }

    /// Runs a statement about transactions; the answer is the command tag.
    pub(super) async fn transaction_statement(
        &mut self,
        statement: &ast::Transaction,
    ) -> Result<&'static str> {
        match statement {
            ast::Transaction::Begin { modes, start } => {
                self.begin_statement(modes).await?;
                Ok(if *start { "START TRANSACTION" } else { "BEGIN" })
            }
            ast::Transaction::Commit { chain } => self.end_statement(true, *chain).await,
            ast::Transaction::Rollback { chain } => self.end_statement(false, *chain).await,
            ast::Transaction::Savepoint(name) => self.savepoint(&name.name),
            ast::Transaction::Release(name) => self.release(&name.name),
            ast::Transaction::RollbackTo(name) => self.rollback_to(&name.name).await,
            ast::Transaction::Prepare(_) => Err(Error::unsupported("PREPARE TRANSACTION")),
            ast::Transaction::CommitPrepared(_) => Err(Error::unsupported("COMMIT PREPARED")),
            ast::Transaction::RollbackPrepared(_) => Err(Error::unsupported("ROLLBACK PREPARED")),
        }
    }

    async fn begin_statement(&mut self, modes: &[ast::TransactionMode]) -> Result<()> {
        match self.status {
            Status::Explicit | Status::Failed => {
                self.notice("WARNING", "25001", "there is already a transaction in progress");
                return self.change_modes(modes).await;
            }
            Status::Implicit => {
                self.status = Status::Explicit;
                return self.change_modes(modes).await;
            }
            Status::Idle => {}
        }
        let modes = apply_modes(self.default_modes(), modes);
        self.open(modes).await?;
        self.status = Status::Explicit;
        Ok(())
    }

    /// SET TRANSACTION, and BEGIN within a transaction. The level may change only before the first
    /// query; the transaction is then begun anew, since its snapshot and its read set belong to the
    /// level.
    pub(super) async fn change_modes(&mut self, modes: &[ast::TransactionMode]) -> Result<()> {
        let Some(active) = &mut self.active else {
            self.notice(
                "WARNING",
                "25P01",
                "SET TRANSACTION can only be used in transaction blocks",
            );
            return Ok(());
        };
        let isolation = self.settings.lock().transaction_isolation();
        let now = Modes { isolation, read_only: active.read_only };
        let wanted = apply_modes(now, modes);
        if wanted.isolation != now.isolation {
            if active.queried {
                let message = "SET TRANSACTION ISOLATION LEVEL must be called before any query";
                return Err(Error::new(ErrorKind::State, "25001", message));
            }
            let savepoints = !active.savepoints.is_empty();
            if savepoints {
                let message =
                    "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction";
                return Err(Error::new(ErrorKind::State, "25001", message));
            }
            self.active = None;
            return self.open(wanted).await;
        }
        active.read_only = wanted.read_only;
        self.settings.lock().set_read_only(wanted.read_only);
        Ok(())
    }

    /// SET SESSION CHARACTERISTICS AS TRANSACTION.
    pub(super) fn change_default_modes(&mut self, modes: &[ast::TransactionMode]) -> Result<()> {
        let wanted = apply_modes(self.default_modes(), modes);
        let mut settings = self.settings.lock();
        settings.set("default_transaction_isolation", wanted.isolation, false)?;
        settings.set(
            "default_transaction_read_only",
            if wanted.read_only { "on" } else { "off" },
            false,
        )
    }

    async fn end_statement(&mut self, commit: bool, chain: bool) -> Result<&'static str> {
        let isolation = self.settings.lock().transaction_isolation();
        let modes = self.active.as_ref().map(|a| Modes { isolation, read_only: a.read_only });
        let tag = match self.status {
            Status::Idle | Status::Implicit => {
                if chain {
                    let word = if commit { "COMMIT" } else { "ROLLBACK" };
                    let message =
                        format!("{word} AND CHAIN can only be used in transaction blocks");
                    return Err(Error::new(ErrorKind::State, "25P01", message));
                }
                self.notice("WARNING", "25P01", "there is no transaction in progress");
                self.end(commit).await?;
                if commit { "COMMIT" } else { "ROLLBACK" }
            }
            Status::Failed => {
                self.end(false).await?;
                "ROLLBACK"
            }
            Status::Explicit => {
                self.end(commit).await?;
                if commit { "COMMIT" } else { "ROLLBACK" }
            }
        };
        if let (true, Some(modes)) = (chain, modes) {
            self.open(modes).await?;
            self.status = Status::Explicit;
        }
        Ok(tag)
    }

    fn savepoint(&mut self, name: &str) -> Result<&'static str> {
        let active = self.in_block("SAVEPOINT")?;
        let savepoint = active.work.savepoint().map_err(fault)?;
        active.savepoints.push((name.to_owned(), savepoint));
        Ok("SAVEPOINT")
    }

    fn release(&mut self, name: &str) -> Result<&'static str> {
        let active = self.in_block("RELEASE SAVEPOINT")?;
        let at = active.find_savepoint(name)?;
        active.work.release(&active.savepoints[at].1);
        active.savepoints.truncate(at);
        Ok("RELEASE")
    }

    async fn rollback_to(&mut self, name: &str) -> Result<&'static str> {
        let failed = self.status == Status::Failed;
        let active = match (&mut self.active, self.status) {
            (Some(active), Status::Explicit | Status::Failed) => active,
            _ => return Err(no_block("ROLLBACK TO SAVEPOINT")),
        };
        let at = active.find_savepoint(name)?;
        let savepoint = active.savepoints[at].1.clone();
        active.work.rollback_to(&savepoint).await.map_err(fault)?;
        active.savepoints.truncate(at + 1);
        if failed {
            self.status = Status::Explicit;
        }
        Ok("ROLLBACK")
    }

    fn in_block(&mut self, what: &str) -> Result<&mut Active> {
        match (&mut self.active, self.status) {
            (Some(active), Status::Explicit) => Ok(active),
            _ => Err(no_block(what)),
        }
    }

    /// 25001 inside a transaction block: DDL that cannot be rolled back.
    pub(super) fn refuse_in_block(&self, what: &str) -> Result<()> {
        if matches!(self.status, Status::Explicit | Status::Failed) {
            let message = format!("{what} cannot run inside a transaction block");
            return Err(Error::new(ErrorKind::State, "25001", message));
        }
        Ok(())
    }
}

impl Active {
    fn find_savepoint(&self, name: &str) -> Result<usize> {
        self.savepoints.iter().rposition(|(known, _)| known == name).ok_or_else(|| {
            Error::new(ErrorKind::Name, "3B001", format!("savepoint \"{name}\" does not exist"))
        })
    }

    /// SET TimeZone within a transaction: expressions see it from the next statement on.
    fn change_zone(&mut self, zone: Arc<str>) {
        let old = &self.environment;
        let picture = old.picture.read().clone();
        self.environment = Arc::new(Environment {
            qanat: old.qanat.clone(),
            settings: old.settings.clone(),
            user: old.user.clone(),
            database: old.database.clone(),
            id: old.id,
            zone,
            transaction_time: old.transaction_time,
            statement_time: AtomicI64::new(old.transaction_time),
            picture: RwLock::new(picture),
            sequences: old.sequences.clone(),
            random: old.random.clone(),
        });
    }
}

fn no_block(what: &str) -> Error {
    let message = format!("{what} can only be used in transaction blocks");
    Error::new(ErrorKind::State, "25P01", message)
}

fn apply_modes(mut modes: Modes, list: &[ast::TransactionMode]) -> Modes {
    for mode in list {
        match mode {
            ast::TransactionMode::Isolation(level) => {
                modes.isolation = match level {
                    ast::IsolationLevel::ReadUncommitted => "read uncommitted",
                    ast::IsolationLevel::ReadCommitted => "read committed",
                    ast::IsolationLevel::RepeatableRead => "repeatable read",
                    ast::IsolationLevel::Serializable => "serializable",
                }
            }
            ast::TransactionMode::ReadOnly(read_only) => modes.read_only = *read_only,
            // A snapshot here never waits for a safe point, so DEFERRABLE has nothing to add.
            ast::TransactionMode::Deferrable(_) => {}
        }
    }
    modes
}

fn level_of(name: &str) -> Level {
    match name {
        "serializable" => Level::Serializable,
        "repeatable read" => Level::RepeatableRead,
        _ => Level::ReadCommitted,
    }
}
