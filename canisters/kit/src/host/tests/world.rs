//! A log that answers hosts, and can be made to lie.

use super::*;

/// A log of platform events, each linked as the real one does.
#[derive(Default)]
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) heads: BTreeMap<Vec<u8>, TopicHead>,
    /// What takes the place of the encoded event at this index.
    pub(super) forged: Option<(u64, Vec<u8>)>,
    /// Events before this one lie in archives, a hundred in each.
    pub(super) archived: u64,
}

/// The archive that has event `index`.
fn archive(index: u64) -> Principal {
    Principal::from_slice(&[8, (index / 100) as u8])
}

impl Log {
    pub(super) fn push(&mut self, source: Principal, payload: Payload) -> Receipt {
        let index = self.events.len() as u64;
        let topics = Topic::derive(source, &payload);
        let event = Event {
            index,
            schema: SCHEMA_VERSION,
            log: LogId(Hash([1; 32])),
            timestamp: Timestamp(1000 + index),
            stream: payload.stream(source),
            stream_version: 1,
            actor: source,
            source,
            source_seq: 1,
            correlation: None,
            causation: None,
            links: topics.iter().map(|topic| Link::after(self.heads.get(&topic.key()))).collect(),
            parent: self.events.last().map(Event::hash),
            payload,
        };
        let hash = event.hash();
        for (topic, link) in topics.iter().zip(&event.links) {
            self.heads.insert(topic.key(), TopicHead { count: link.sequence, index, hash });
        }
        self.events.push(event);
        Receipt { index, hash, stream_version: 1, timestamp: Timestamp(1000 + index) }
    }

    pub(super) fn grow(&mut self, count: usize) {
        for number in 0..count {
            let maintenance = number % 2 == 0;
            self.push(
                Principal::from_slice(&[1]),
                Payload::MaintenanceConfigured(MaintenanceConfigured { maintenance }),
            );
        }
    }

    pub(super) fn page(&self, query: &EventQuery) -> EventPage {
        let Filter::Topic(topic) = query.filter else { panic!("only topics") };
        let begin = query.cursor.unwrap() as usize;
        let bytes = |event: &Event| match &self.forged {
            Some((index, bytes)) if *index == event.index => ByteBuf::from(bytes.clone()),
            _ => ByteBuf::from(codec::encode_event(event)),
        };
        let page = self.events.iter().skip(begin).take(query.limit as usize);
        let mut archived: Vec<ArchivedBodies> = Vec::new();
        for Event { index, .. } in page.clone().filter(|event| event.index < self.archived) {
            match archived.last_mut().filter(|group| group.archive == archive(*index)) {
                Some(group) => group.indices.push(*index),
                None => archived.push(ArchivedBodies { archive: archive(*index), indices: vec![*index] }),
            }
        }
        let here = |event: &Event| if event.index < self.archived { ByteBuf::new() } else { bytes(event) };
        let (archived, events) = (Some(archived), page.map(here).collect());
        let head = self.heads.get(&topic.key()).copied();
        let last = self.events.last().map(|event| Seen { index: event.index, hash: event.hash() });
        EventPage { events, archived, next: None, log_length: self.events.len() as u64, topic_head: head, last }
    }

    pub(super) fn bodies(&self, of: Principal, indices: &[u64]) -> Vec<ByteBuf> {
        assert!(indices.iter().all(|index| archive(*index) == of && *index < self.archived));
        indices.iter().map(|index| ByteBuf::from(codec::encode_event(&self.events[*index as usize]))).collect()
    }

    /// As the real one does.
    pub(super) fn check(&self, seen: Option<Seen>) -> Result<(), AuditError> {
        let is_here = |seen: &Seen| self.events.get(seen.index as usize).is_some_and(|event| event.hash() == seen.hash);
        match seen.filter(|seen| !is_here(seen)) {
            None => Ok(()),
            Some(Seen { index, .. }) => {
                let size = self.events.len() as u64;
                Err(AuditError::Request(AuditRequestError::OtherLog { index, size }))
            }
        }
    }

    pub(super) fn tip(&self) -> Tip {
        let (size, none) = (self.events.len() as u64, Hash([0; 32]));
        let last_hash = self.events.last().map_or(none, Event::hash);
        let (log, root, topics_root) = (LogId(none), none, none);
        Tip { log, size, last_hash, root, timestamp: 0, topics_size: size, topics_root }
    }

    pub(super) fn append(&mut self, args: AppendArgs) -> Appended {
        let payloads = args.submissions.iter().map(|wire| codec::decode_payload(&wire.payload).unwrap());
        let receipts = payloads.map(|payload| self.push(Principal::from_slice(&[7]), payload)).collect();
        Appended { receipts, reserve: Reserve::default() }
    }
}

pub(super) struct World {
    pub(super) log: Rc<RefCell<Log>>,
    pub(super) network: Rc<Network>,
    pub(super) memories: MemoryManager<DefaultMemoryImpl>,
}

impl World {
    pub(super) fn new(events: usize) -> Self {
        let log = Rc::new(RefCell::new(Log::default()));
        log.borrow_mut().grow(events);
        let network = Network::install();
        let behind = Rc::clone(&log);
        network.respond(move |request| match request.method {
            "getEvents" => {
                let (query, seen): (EventQuery, Option<Seen>) = candid::decode_args(&request.args).unwrap();
                let log = behind.borrow();
                Ok(candid::encode_one(log.check(seen).map(|()| log.page(&query))).unwrap())
            }
            "getTip" => {
                let seen: Option<Seen> = candid::decode_one(&request.args).unwrap();
                let log = behind.borrow();
                Ok(candid::encode_one(log.check(seen).map(|()| log.tip())).unwrap())
            }
            "getBodies" => {
                let indices: Vec<u64> = candid::decode_one(&request.args).unwrap();
                let bodies = behind.borrow().bodies(request.to, &indices);
                Ok(candid::encode_one(Ok::<_, ArchiveError>(bodies)).unwrap())
            }
            "append" => {
                let (args, seen): (AppendArgs, Option<Seen>) = candid::decode_args(&request.args).unwrap();
                let mut log = behind.borrow_mut();
                Ok(candid::encode_one(log.check(seen).map(|()| log.append(args))).unwrap())
            }
            _ => Err(CallFailure::rejected(3, "no such method")),
        });
        World { log, network, memories: MemoryManager::init(DefaultMemoryImpl::default()) }
    }

    pub(super) fn memory(&self, id: u8) -> Memory {
        self.memories.get(MemoryId::new(id))
    }

    /// Install or upgrade.
    pub(super) fn start<P: Projection>(&self) {
        let audit = Principal::from_slice(&[9]);
        journal::init(JournalConfig { audit, apply: recorded, memory: self.memory(0) });
        let memories = Memories { state: self.memory(1), rows: self.memory(2), spare: self.memory(3) };
        init(HostConfig { audit, projections: vec![(Definition::of::<P>(), memories)], certify: true });
    }

    pub(super) fn replayed<P: Projection>(&self, events: usize) -> Hash {
        let mut tables = MemoryTables::default();
        self.log.borrow().events.iter().take(events).for_each(|event| P::apply(&mut tables, event));
        digest(&tables)
    }
}
