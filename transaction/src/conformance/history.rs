//! Random histories, and a proof or a refutation that they were isolated: list-append.
//!
//! ```text
//!   clients ─► transactions of appends and reads of lists ─► Recorder ─► check
//!
//!   read [1 4 2] of key x      so 1, 4, 2 were appended in this order, and what was read ends at 2
//!        ww  writer(1) → writer(4) → writer(2)
//!        wr  writer(2) → reader
//!        rw  reader → writer of what comes after 2
//!        rt  who ended before another began → the other
//! ```
//!
//! Appending distinct numbers to lists makes each read tell the whole history of its key, so
//! dependencies are read off instead of guessed (Kingsbury and Alvaro, "Elle", VLDB 2020). Then
//!
//! - *serializable*: no cycle at all;
//! - *snapshot isolation*: every cycle has two rw edges in a row (Fekete et al., 2005);
//!
//! and in both cases no lost, doubled, aborted or half-seen append. Real-time edges are always in:
//! our stores promise that who begins after another was acknowledged sees it.
//!
//! The work is made from a seed; what the scheduler does to it is not. A [`Client`] is anything
//! that can run such a transaction: [`Lists`] over a store here, SQL or Redis in the layers above.
//!
//! Rejected: checking sums of money (a lost update and its opposite cancel out).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::{
    Begin, BoxFuture, Buffer, CancelToken, Durability, Error, LockMode, LockRequest, Locked,
    ReadTracking, Result, Store, View, Wait,
};

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Strict serializability.
    Serializable,
    /// Strong snapshot isolation.
    Snapshot,
}

/// One step of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Appends a number to the list of a key.
    Append(u32, u64),
    /// Reads the list of a key.
    Read(u32),
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It happened; the lists that its reads saw, in order.
    Committed(Vec<Vec<u64>>),
    /// It did not.
    Aborted,
    /// Nobody knows.
    Unknown,
}

/// Something that runs a transaction of steps.
pub trait Client: Send {
    /// Runs the steps as one transaction, once.
    fn run<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, End>;
}

/// How much is run.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Makes the steps.
    pub seed: u64,
    /// Transactions of each client.
    pub transactions: usize,
    /// Keys; few keys make conflicts.
    pub keys: u32,
    /// Steps of a transaction at most.
    pub steps: usize,
}

/// A transaction that was run.
#[derive(Debug, Clone)]
struct Ran {
    steps: Vec<Step>,
    end: End,
    began: u64,
    ended: u64,
}

/// Collects what clients ran.
#[derive(Default)]
pub struct Recorder {
    time: AtomicU64,
    numbers: AtomicU64,
    ran: Mutex<Vec<Ran>>,
}

impl Recorder {
    /// Runs one client's share of the load.
    pub async fn drive(&self, client: &mut dyn Client, number: u64, load: Load) {
        let mut random = engine::device::Xoshiro::new(load.seed ^ number.wrapping_mul(0x9E37_79B9));
        for _ in 0..load.transactions {
            let count = 1 + random.below(load.steps as u64);
            let steps = (0..count).map(|_| {
                let key = random.below(u64::from(load.keys)) as u32;
                if random.percent(50) {
                    Step::Append(key, self.numbers.fetch_add(1, Ordering::Relaxed) + 1)
                } else {
                    Step::Read(key)
                }
            });
            let steps: Vec<Step> = steps.collect();
            self.run(client, steps).await;
        }
    }

    /// Runs one transaction and records it.
    pub async fn run(&self, client: &mut dyn Client, steps: Vec<Step>) -> End {
        let began = self.time.fetch_add(1, Ordering::SeqCst);
        let end = client.run(&steps).await;
        let ended = self.time.fetch_add(1, Ordering::SeqCst);
        self.ran.lock().push(Ran { steps, end: end.clone(), began, ended });
        end
    }

    /// How many transactions committed.
    pub fn committed(&self) -> usize {
        self.ran.lock().iter().filter(|ran| matches!(ran.end, End::Committed(_))).count()
    }

    /// Verifies the history; the error says what is wrong with it. Call after a last transaction
    /// that read every key.
    ///
    /// # Errors
    /// What was violated, with the transactions that show it.
    pub fn check(&self, level: Level) -> std::result::Result<(), String> {
        History::new(self.ran.lock().clone())?.check(level)
    }
}

/// Where an append was made, and whether it may count.
#[derive(Clone, Copy)]
struct Made {
    by: usize,
    key: u32,
}

struct History {
    ran: Vec<Ran>,
    made: HashMap<u64, Made>,
    /// The longest list read of each key.
    order: BTreeMap<u32, Vec<u64>>,
}

impl History {
    fn new(ran: Vec<Ran>) -> std::result::Result<Self, String> {
        let mut made = HashMap::new();
        for (by, ran) in ran.iter().enumerate() {
            for step in &ran.steps {
                if let Step::Append(key, number) = step {
                    made.insert(*number, Made { by, key: *key });
                }
            }
        }
        let mut history = History { ran, made, order: BTreeMap::new() };
        history.find_order()?;
        Ok(history)
    }

    fn reads(ran: &Ran) -> impl Iterator<Item = (u32, &Vec<u64>)> {
        let lists: &[Vec<u64>] = if let End::Committed(lists) = &ran.end { lists } else { &[] };
        let keys = ran.steps.iter().filter_map(|step| match step {
            Step::Read(key) => Some(*key),
            Step::Append(..) => None,
        });
        keys.zip(lists)
    }

    /// All reads of a key are beginnings of one list, which holds committed appends only, each
    /// once.
    fn find_order(&mut self) -> std::result::Result<(), String> {
        for ran in &self.ran {
            for (key, list) in Self::reads(ran) {
                let longest = self.order.entry(key).or_default();
                let (short, long) =
                    if list.len() > longest.len() { (&*longest, list) } else { (list, &*longest) };
                if !long.starts_with(short) {
                    return Err(format!("key {key}: {short:?} is no beginning of {long:?}"));
                }
                if list.len() > longest.len() {
                    *longest = list.clone();
                }
            }
        }
        for (key, list) in &self.order {
            let mut seen = std::collections::HashSet::new();
            for number in list {
                let made = self.made.get(number).filter(|made| made.key == *key);
                let made = made.ok_or_else(|| format!("key {key}: nobody appended {number}"))?;
                if !seen.insert(number) {
                    return Err(format!("key {key}: {number} is there twice"));
                }
                if self.ran.get(made.by).is_some_and(|ran| ran.end == End::Aborted) {
                    return Err(format!("key {key}: {number} was aborted, but is there"));
                }
            }
        }
        Ok(())
    }

    fn check(&self, level: Level) -> std::result::Result<(), String> {
        self.check_nothing_lost()?;
        self.check_own_appends()?;
        let graph = self.graph();
        let cycle = match level {
            Level::Serializable => graph.cycle(),
            Level::Snapshot => graph.without_lone_antidependencies().cycle(),
        };
        match cycle {
            None => Ok(()),
            Some(nodes) => {
                let named = nodes.iter().filter_map(|node| self.ran.get(*node));
                let text: Vec<String> = named.map(|ran| format!("{ran:?}")).collect();
                Err(format!("{level:?} is violated by a cycle:\n{}", text.join("\n")))
            }
        }
    }

    /// What was acknowledged is in the final list (the last transaction has read every key).
    fn check_nothing_lost(&self) -> std::result::Result<(), String> {
        for ran in self.ran.iter().filter(|ran| matches!(ran.end, End::Committed(_))) {
            for step in &ran.steps {
                if let Step::Append(key, number) = step
                    && !self.order.get(key).is_some_and(|list| list.contains(number))
                {
                    return Err(format!("key {key}: {number} was committed and is lost: {ran:?}"));
                }
            }
        }
        Ok(())
    }

    /// Within a transaction, a read ends with what the transaction itself has appended.
    fn check_own_appends(&self) -> std::result::Result<(), String> {
        for ran in &self.ran {
            let mut own: HashMap<u32, Vec<u64>> = HashMap::new();
            let mut reads = Self::reads(ran);
            for step in &ran.steps {
                match step {
                    Step::Append(key, number) => own.entry(*key).or_default().push(*number),
                    Step::Read(key) => {
                        let Some((_, list)) = reads.next() else { continue };
                        if own.get(key).is_some_and(|own| !list.ends_with(own)) {
                            return Err(format!("own appends are not seen: {ran:?}"));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new(self.ran.len());
        for list in self.order.values() {
            let writers: Vec<usize> =
                list.iter().filter_map(|number| self.made.get(number)).map(|m| m.by).collect();
            for pair in writers.windows(2) {
                if let [a, b] = pair {
                    graph.depend(*a, *b);
                }
            }
        }
        for (reader, ran) in self.ran.iter().enumerate() {
            for (key, list) in Self::reads(ran) {
                self.read_edges(&mut graph, reader, key, list);
            }
        }
        self.real_time(&mut graph);
        graph
    }

    fn read_edges(&self, graph: &mut Graph, reader: usize, key: u32, list: &[u64]) {
        let writer = |number: &u64| self.made.get(number).map(|made| made.by);
        if let Some(writer) = list.last().and_then(writer) {
            graph.depend(writer, reader);
        }
        let next = self.order.get(&key).and_then(|whole| whole.get(list.len()));
        if let Some(writer) = next.and_then(writer) {
            graph.overtake(reader, writer);
        }
    }

    /// A chain of moments stands for all pairs of "ended before began".
    fn real_time(&self, graph: &mut Graph) {
        let mut moments: Vec<(u64, usize, bool)> = Vec::new();
        for (number, ran) in self.ran.iter().enumerate() {
            moments.push((ran.began, number, true));
            if matches!(ran.end, End::Committed(_)) {
                moments.push((ran.ended, number, false));
            }
        }
        moments.sort_unstable();
        let mut before: Option<usize> = None;
        for (_, number, began) in moments {
            if began {
                if let Some(before) = before {
                    graph.depend(before, number);
                }
            } else {
                let moment = graph.node();
                graph.depend(number, moment);
                if let Some(before) = before {
                    graph.depend(before, moment);
                }
                before = Some(moment);
            }
        }
    }
}

/// Dependencies (ww, wr, real time) and anti-dependencies (rw) between transactions.
#[derive(Default)]
struct Graph {
    depends: Vec<Vec<usize>>,
    overtakes: Vec<Vec<usize>>,
}

impl Graph {
    fn new(nodes: usize) -> Self {
        Graph { depends: vec![Vec::new(); nodes], overtakes: vec![Vec::new(); nodes] }
    }

    fn node(&mut self) -> usize {
        self.depends.push(Vec::new());
        self.overtakes.push(Vec::new());
        self.depends.len() - 1
    }

    fn depend(&mut self, from: usize, to: usize) {
        if from != to
            && let Some(edges) = self.depends.get_mut(from)
        {
            edges.push(to);
        }
    }

    fn overtake(&mut self, from: usize, to: usize) {
        if from != to
            && let Some(edges) = self.overtakes.get_mut(from)
        {
            edges.push(to);
        }
    }

    /// A graph that has a cycle exactly if this one has a cycle without two rw edges in a row: each
    /// rw edge is taken together with the dependency before it.
    fn without_lone_antidependencies(self) -> Graph {
        let mut graph = Graph::new(self.depends.len());
        for (from, edges) in self.depends.iter().enumerate() {
            for to in edges {
                graph.depend(from, *to);
                for beyond in self.overtakes.get(*to).into_iter().flatten() {
                    if *beyond == from {
                        // from → to → from: a cycle by itself.
                        let twin = graph.node();
                        graph.depend(from, twin);
                        graph.depend(twin, from);
                    }
                    graph.depend(from, *beyond);
                }
            }
        }
        graph
    }

    fn edges(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let both = [self.depends.get(from), self.overtakes.get(from)];
        both.into_iter().flatten().flatten().copied()
    }

    /// The nodes of a cycle, if there is one (depth first, without recursion).
    fn cycle(&self) -> Option<Vec<usize>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.depends.len()];
        for root in 0..self.depends.len() {
            if marks[root] != Mark::New {
                continue;
            }
            let mut path = vec![(root, self.edges(root).collect::<Vec<_>>())];
            marks[root] = Mark::Open;
            while let Some((node, rest)) = path.last_mut() {
                match rest.pop() {
                    Some(next) if marks[next] == Mark::Open => {
                        let cycle = path.iter().map(|(node, _)| *node);
                        return Some(cycle.skip_while(|node| *node != next).collect());
                    }
                    Some(next) if marks[next] == Mark::New => {
                        marks[next] = Mark::Open;
                        path.push((next, self.edges(next).collect()));
                    }
                    Some(_) => {}
                    None => {
                        marks[*node] = Mark::Done;
                        path.pop();
                    }
                }
            }
        }
        None
    }
}

/// A client that keeps the lists in a store, eight bytes a number.
pub struct Lists {
    store: Arc<dyn Store>,
    level: Level,
    durability: Durability,
}

impl Lists {
    /// At [`Level::Serializable`] every read is tracked; at [`Level::Snapshot`] an append locks its
    /// key first and gives way if it changed since the snapshot, as REPEATABLE READ does.
    pub fn new(store: Arc<dyn Store>, level: Level, durability: Durability) -> Self {
        Lists { store, level, durability }
    }

    async fn transaction(&self, steps: &[Step]) -> Result<Vec<Vec<u64>>> {
        let tracking = match self.level {
            Level::Serializable => ReadTracking::On,
            Level::Snapshot => ReadTracking::Off,
        };
        let transaction = self.store.begin(Begin::default()).await?;
        let offers = self.store.offers();
        let tx = Buffer::new(transaction, offers, tracking, CancelToken::default());
        let mut lists = Vec::new();
        for step in steps {
            match step {
                Step::Read(key) => lists.push(decode(tx.get(&name(*key)).await?)),
                Step::Append(key, number) => self.append(&tx, *key, *number).await?,
            }
            // Give others a turn in the middle of a transaction.
            tokio::task::yield_now().await;
        }
        tx.commit(self.durability, Bytes::new(), false).await?;
        Ok(lists)
    }

    async fn append(&self, tx: &Buffer, key: u32, number: u64) -> Result<()> {
        let name = name(key);
        if self.level == Level::Snapshot {
            let request = [LockRequest { key: name.clone(), mode: LockMode::NoKeyUpdate }];
            if let [Locked::Held { stamp, .. }] = tx.lock(&request, Wait::Forever).await?[..]
                && stamp > tx.snapshot()
            {
                return Err(Error::Conflict);
            }
        }
        let mut list =
            tx.get_until(&name, u64::MAX, View::Snapshot).await?.unwrap_or_default().to_vec();
        list.extend_from_slice(&number.to_be_bytes());
        tx.put(name, Bytes::from(list))
    }
}

impl Client for Lists {
    fn run<'a>(&'a mut self, steps: &'a [Step]) -> BoxFuture<'a, End> {
        Box::pin(async move {
            match self.transaction(steps).await {
                Ok(lists) => End::Committed(lists),
                Err(Error::Unknown { .. }) => End::Unknown,
                Err(_) => End::Aborted,
            }
        })
    }
}

fn name(key: u32) -> Bytes {
    Bytes::from(format!("list {key:04}"))
}

fn decode(value: Option<Bytes>) -> Vec<u64> {
    let value = value.unwrap_or_default();
    value.as_chunks::<8>().0.iter().map(|number| u64::from_be_bytes(*number)).collect()
}

/// Runs `clients` over a store at a level, reads everything once more, and verifies.
///
/// # Errors
/// What was violated.
pub async fn run(
    store: Arc<dyn Store>,
    level: Level,
    durability: Durability,
    clients: u64,
    load: Load,
) -> std::result::Result<usize, String> {
    let recorder = Arc::new(Recorder::default());
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..clients {
        let (store, recorder) = (Arc::clone(&store), Arc::clone(&recorder));
        tasks.spawn(async move {
            let mut client = Lists::new(store, level, durability);
            recorder.drive(&mut client, number, load).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(|error| error.to_string())?;
    }
    let steps = (0..load.keys).map(Step::Read).collect();
    recorder.run(&mut Lists::new(store, level, durability), steps).await;
    recorder.check(level)?;
    Ok(recorder.committed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{Append, Read};

    fn verdict(level: Level, transactions: Vec<(Vec<Step>, Vec<Vec<u64>>)>) -> bool {
        let recorder = Recorder::default();
        for (steps, lists) in transactions {
            // All at the same time: no real-time edges.
            let end = End::Committed(lists);
            recorder.ran.lock().push(Ran { steps, end, began: 0, ended: 99 });
        }
        recorder.check(level).is_ok()
    }

    #[test]
    fn write_skew_is_snapshot_isolated_but_not_serializable() {
        let history = vec![
            (vec![Read(1), Append(2, 20)], vec![vec![]]),
            (vec![Read(2), Append(1, 10)], vec![vec![]]),
            (vec![Read(1), Read(2)], vec![vec![10], vec![20]]),
        ];
        assert!(verdict(Level::Snapshot, history.clone()));
        assert!(!verdict(Level::Serializable, history));
    }

    #[test]
    fn anomalies_are_found_at_both_levels() {
        let lost_update = vec![
            (vec![Read(1), Append(1, 1)], vec![vec![]]),
            (vec![Read(1), Append(1, 2)], vec![vec![]]),
            (vec![Read(1)], vec![vec![1, 2]]),
        ];
        let read_skew = vec![
            (vec![Append(1, 1), Append(2, 2)], vec![]),
            (vec![Read(1), Read(2)], vec![vec![1], vec![]]),
            (vec![Read(1), Read(2)], vec![vec![1], vec![2]]),
        ];
        let lost = vec![(vec![Append(1, 1)], vec![]), (vec![Read(1)], vec![vec![]])];
        let fork = vec![
            (vec![Append(1, 1)], vec![]),
            (vec![Append(1, 2)], vec![]),
            (vec![Read(1)], vec![vec![1]]),
            (vec![Read(1)], vec![vec![2, 1]]),
        ];
        let doubled = vec![(vec![Append(1, 1)], vec![]), (vec![Read(1)], vec![vec![1, 1]])];
        for history in [lost_update, read_skew, lost, fork, doubled] {
            assert!(!verdict(Level::Snapshot, history.clone()), "{history:?}");
            assert!(!verdict(Level::Serializable, history));
        }
    }

    #[test]
    fn who_begins_later_must_see_what_was_acknowledged() {
        let recorder = Recorder::default();
        let push = |steps: Vec<Step>, lists, began, ended| {
            recorder.ran.lock().push(Ran { steps, end: End::Committed(lists), began, ended });
        };
        push(vec![Append(1, 1)], vec![], 0, 1);
        push(vec![Read(1)], vec![vec![]], 2, 3);
        push(vec![Read(1)], vec![vec![1]], 4, 5);
        assert!(recorder.check(Level::Snapshot).is_err());
    }
}
