//! The sessions that are open: for pg_stat_activity, CLIENT LIST, cancelling and limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use transaction::CancelToken;

/// One open session as others see it.
#[derive(Debug, Clone)]
pub struct SessionInfo {
    /// The number that cancels it.
    pub id: i32,
    /// The secret that goes with the number.
    pub secret: i32,
    /// `postgres`, `redis`, `library`.
    pub protocol: &'static str,
    /// The user.
    pub user: String,
    /// The database.
    pub database: String,
    /// What the client calls itself.
    pub application: String,
    /// `idle`, `active`, `idle in transaction`, …
    pub state: &'static str,
    /// The text that runs or ran last.
    pub query: String,
    /// Microseconds since 1970.
    pub since: i64,
}

/// What is shown of a session, and what ends its work.
type Open = (Arc<Mutex<SessionInfo>>, CancelToken);

/// The open sessions.
#[derive(Default)]
pub struct Sessions {
    all: Mutex<BTreeMap<i32, Open>>,
}

impl Sessions {
    pub(crate) fn add(&self, info: SessionInfo, cancel: CancelToken) -> Arc<Mutex<SessionInfo>> {
        let id = info.id;
        let shared = Arc::new(Mutex::new(info));
        self.all.lock().insert(id, (shared.clone(), cancel));
        shared
    }

    pub(crate) fn remove(&self, id: i32) {
        self.all.lock().remove(&id);
    }

    /// Ends what a session runs; false where there is no such session or the secret is wrong.
    pub fn cancel(&self, id: i32, secret: i32) -> bool {
        let all = self.all.lock();
        let Some((info, cancel)) = all.get(&id) else { return false };
        if info.lock().secret != secret {
            return false;
        }
        cancel.cancel();
        true
    }

    /// Ends what a session runs, for one who may do that without its secret (pg_cancel_backend).
    pub(crate) fn cancel_any(&self, id: i32) -> bool {
        let all = self.all.lock();
        all.get(&id).inspect(|(_, cancel)| cancel.cancel()).is_some()
    }

    /// Every open session in the order of their numbers.
    pub fn list(&self) -> Vec<SessionInfo> {
        self.all.lock().values().map(|(info, _)| info.lock().clone()).collect()
    }
}
