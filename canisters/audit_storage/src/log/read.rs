//! Answers about what has happened. None of them changes anything.

use super::key::Key;
use super::postings::Reader;
use super::{Log, broken};
use crate::view::EventView;
use cairn_events::question::BadQuestion;
use cairn_events::topic::TopicHead;
use cairn_events::{Event, Payload, Principal, Stream, Topic, codec};
use cairn_kit::api::audit::{
    AuditError, AuditRequestError, EventPage, EventQuery, Filter, MAX_PAGE, MAX_PAGE_BYTES, Order, Proof, Seen, Writer,
};
use ic_stable_structures::Memory;
use serde_bytes::ByteBuf;
use std::cmp::Ordering;
use std::ops::Range;

/// The events of a filter, by their position in it.
enum Selection<'a, M> {
    /// Every event: the position is the index.
    All(u64),
    /// A thread's events.
    Thread(Reader<'a, M>, u64),
}

impl<M: Memory> Selection<'_, M> {
    fn len(&self) -> u64 {
        match self {
            Selection::All(length) | Selection::Thread(_, length) => *length,
        }
    }

    fn index(&mut self, position: u64) -> Option<u64> {
        match self {
            Selection::All(length) => (position < *length).then_some(position),
            Selection::Thread(reader, _) => reader.get(position),
        }
    }
}

impl<M: Memory> Log<M> {
    /// That this is the log in which the caller has seen an event, if it has seen one.
    ///
    /// # Errors
    /// [`AuditRequestError::OtherLog`]; [`cairn_kit::api::audit::AuditTemporaryError::NotReady`] before the log has begun.
    pub fn check_seen(&self, seen: Option<Seen>) -> Result<(), AuditError> {
        let Some(Seen { index, hash }) = seen else { return Ok(()) };
        self.id()?;
        if self.columns.hash(index) == Some(hash) {
            return Ok(());
        }
        Err(AuditError::Request(AuditRequestError::OtherLog { index, size: self.columns.len() }))
    }

    /// A page of the events that `query` asks for.
    ///
    /// # Errors
    /// [`AuditRequestError::OutOfBounds`] for a limit of 0, and for a cursor beyond the end of what the filter has, as
    /// that of another log may be; [`AuditRequestError::Question`] for a time that ends before it begins;
    /// [`cairn_kit::api::audit::AuditTemporaryError::NotReady`] before the log has begun.
    pub fn page(&self, query: &EventQuery) -> Result<EventPage, AuditError> {
        self.id()?;
        let mut selection = self.select(&query.filter);
        check_query(query, selection.len())?;
        let range = self.range(&mut selection, query)?;
        let mut page = EventPage {
            events: Vec::new(),
            archived: None,
            next: None,
            log_length: self.columns.len(),
            topic_head: match &query.filter {
                Filter::Topic(topic) => self.topic_head(topic)?,
                _ => None,
            },
            last: self.columns.len().checked_sub(1).map(|index| Seen { index, hash: self.columns.last().hash }),
        };
        match query.order {
            Order::OldestFirst => self.fill(&mut page, &mut selection, query, range)?,
            Order::NewestFirst => self.fill(&mut page, &mut selection, query, range.rev())?,
        }
        Ok(page)
    }

    fn select(&self, filter: &Filter) -> Selection<'_, M> {
        let key = match filter {
            Filter::All => return Selection::All(self.columns.len()),
            Filter::Stream(stream) => Key::stream(stream),
            Filter::Topic(topic) => Key::topic(topic),
        };
        let head = self.thread(&key);
        Selection::Thread(self.postings.reader(&head), head.count)
    }

    /// The positions that time and cursor leave, before limits.
    fn range(&self, selection: &mut Selection<'_, M>, query: &EventQuery) -> Result<Range<u64>, AuditError> {
        let mut begin = match query.from_time {
            Some(time) => self.first_at(selection, time)?,
            None => 0,
        };
        let mut end = match query.until_time {
            Some(time) => self.first_at(selection, time)?,
            None => selection.len(),
        };
        if let Some(cursor) = query.cursor {
            match query.order {
                Order::OldestFirst => begin = begin.max(cursor),
                Order::NewestFirst => end = end.min(cursor.saturating_add(1)),
            }
        }
        Ok(begin..end.max(begin))
    }

    /// The position of the first event at `time` or later. Timestamps never decrease.
    fn first_at(&self, selection: &mut Selection<'_, M>, time: u64) -> Result<u64, AuditError> {
        let (mut begin, mut end) = (0, selection.len());
        while begin < end {
            let middle = begin + (end - begin) / 2;
            let timestamp = selection.index(middle).and_then(|index| self.columns.timestamp(index));
            if timestamp.ok_or_else(|| broken("an event's record is missing"))? < time {
                begin = middle + 1;
            } else {
                end = middle;
            }
        }
        Ok(begin)
    }

    fn fill(
        &self,
        page: &mut EventPage,
        selection: &mut Selection<'_, M>,
        query: &EventQuery,
        positions: impl Iterator<Item = u64>,
    ) -> Result<(), AuditError> {
        let limit = query.limit.min(MAX_PAGE) as usize;
        let (mut bytes, mut archived) = (0, Vec::new());
        for position in positions {
            let index = selection.index(position).ok_or_else(|| broken("an event is missing"))?;
            bytes += self.columns.event_size(index);
            if page.events.len() == limit || (bytes > MAX_PAGE_BYTES && !page.events.is_empty()) {
                page.next = Some(position);
                break;
            }
            let body = match self.columns.event(index, &self.threads) {
                Some(body) => body,
                None if index < self.columns.first() => {
                    archived.push(index);
                    Vec::new()
                }
                None => return Err(broken("an event is missing")),
            };
            page.events.push(ByteBuf::from(body));
        }
        page.archived = Some(self.archived(archived)).filter(|groups| !groups.is_empty());
        Ok(())
    }

    /// The last event of a topic.
    fn topic_head(&self, topic: &Topic) -> Result<Option<TopicHead>, AuditError> {
        let head = self.thread(&Key::topic(topic));
        if head.count == 0 {
            return Ok(None);
        }
        let hash = self.columns.hash(head.last).ok_or_else(|| broken("a topic's last event is missing"))?;
        Ok(Some(TopicHead { count: head.count, index: head.last, hash }))
    }

    /// Event `index`.
    ///
    /// # Errors
    /// [`AuditRequestError::OutOfBounds`] if there is none yet, [`AuditRequestError::Archived`] if its body is not here.
    pub fn event(&self, index: u64) -> Result<Event, AuditError> {
        if let Some(event) = self.event_here(index)? {
            return Ok(event);
        }
        Err(AuditError::Request(AuditRequestError::Archived { bodies: self.archived([index]) }))
    }

    /// Event `index`; `None` if its body is in an archive only.
    fn event_here(&self, index: u64) -> Result<Option<Event>, AuditError> {
        self.check_exists(index)?;
        let Some(body) = self.columns.event(index, &self.threads).or_else(|| self.kept.get(index)) else {
            return Ok(None);
        };
        codec::decode_trusted(&body).map(Some).map_err(|_| broken("an event cannot be decoded"))
    }

    /// That there is an event `index`.
    pub(super) fn check_exists(&self, index: u64) -> Result<(), AuditError> {
        let length = self.columns.len();
        if index < length { Ok(()) } else { Err(out_of_bounds("index", index, length)) }
    }

    /// Whether event `index` is about `person`: acted in it or is named. Nobody is anonymous.
    pub(super) fn is_concerned(&self, index: u64, person: Principal) -> bool {
        if person == Principal::anonymous() {
            return false;
        }
        // The body may be in an archive, but every event of a person is in the person's thread.
        let head = self.thread(&Key::topic(&Topic::Party(person)));
        let mut indices = self.postings.reader(&head);
        let (mut begin, mut end) = (0, head.count);
        while begin < end {
            let middle = begin + (end - begin) / 2;
            match indices.get(middle).map(|found| found.cmp(&index)) {
                Some(Ordering::Equal) => return true,
                Some(Ordering::Less) => begin = middle + 1,
                Some(Ordering::Greater) => end = middle,
                None => return false,
            }
        }
        false
    }

    /// The factory that was last asked, on a deployment's stream, to deliver.
    ///
    /// # Errors
    /// [`AuditError::Internal`] if an event is missing.
    pub fn dispatched_to(&self, stream: &Stream) -> Result<Option<Principal>, AuditError> {
        let head = self.thread(&Key::stream(stream));
        let mut indices = self.postings.reader(&head);
        // The newest first: a factory commits right after the dispatch.
        for position in (0..head.count).rev() {
            let index = indices.get(position).ok_or_else(|| broken("an event of a stream is missing"))?;
            // A dispatch that may still be delivered stays here.
            let payload = self.event_here(index)?.map(|event| event.payload);
            if let Some(Payload::DeploymentDispatched(dispatched)) = payload {
                return Ok(Some(dispatched.factory));
            }
        }
        Ok(None)
    }

    /// Bytes of event `index` as it is stored; 0 if there is none.
    pub fn event_size(&self, index: u64) -> usize {
        self.columns.event_size(index)
    }

    /// Event `index` with every field in a Candid type.
    ///
    /// # Errors
    /// As [`Log::event`].
    pub fn view(&self, index: u64) -> Result<EventView, AuditError> {
        let event = self.event(index)?;
        let hash = self.columns.hash(index).ok_or_else(|| broken("an event's record is missing"))?;
        Ok(EventView::of(event, hash))
    }

    /// The proof that event `index` is in the tree of the first `size` events.
    ///
    /// # Errors
    /// [`AuditRequestError::OutOfBounds`].
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Proof, AuditError> {
        let root =
            self.tree.root(size, &self.columns).ok_or_else(|| out_of_bounds("size", size, self.columns.len()))?;
        let path =
            self.tree.inclusion(index, size, &self.columns).ok_or_else(|| out_of_bounds("index", index, size))?;
        Ok(Proof { path, size, root })
    }

    /// The proof that the first `size` events begin with the first `old`.
    ///
    /// # Errors
    /// [`AuditRequestError::OutOfBounds`].
    pub fn consistency_proof(&self, old: u64, size: u64) -> Result<Proof, AuditError> {
        let root =
            self.tree.root(size, &self.columns).ok_or_else(|| out_of_bounds("size", size, self.columns.len()))?;
        let path = self.tree.consistency(old, size, &self.columns).ok_or_else(|| out_of_bounds("old", old, size))?;
        Ok(Proof { path, size, root })
    }

    /// All registered writers, in the order of registration.
    ///
    /// # Errors
    /// That the log is broken.
    pub fn writers(&self) -> Result<Vec<Writer>, AuditError> {
        let head = self.thread(&Key::stream(&Stream::Log));
        let mut indices = self.postings.reader(&head);
        let mut writers = Vec::new();
        for position in 0..head.count {
            let index = indices.get(position).ok_or_else(|| broken("an event of the log's stream is missing"))?;
            match self.event(index)?.payload {
                Payload::Genesis(genesis) => writers.extend([genesis.canister, genesis.money_writer]),
                Payload::WriterRegistered(registered) => writers.push(registered.writer),
                _ => {}
            }
        }
        writers.into_iter().map(|writer| self.writer(writer)).collect()
    }
}

/// That there may be events between time and cursor, of `length` that the filter has, and room for one in the page.
fn check_query(query: &EventQuery, length: u64) -> Result<(), AuditError> {
    if query.limit == 0 {
        return Err(out_of_bounds("limit", 0, u64::from(MAX_PAGE)));
    }
    if let (Some(from), Some(until)) = (query.from_time, query.until_time)
        && until < from
    {
        let problem = BadQuestion::Reversed { from, until };
        return Err(AuditError::Request(AuditRequestError::Question { problem }));
    }
    match query.cursor {
        Some(cursor) if cursor > length => Err(out_of_bounds("cursor", cursor, length)),
        _ => Ok(()),
    }
}

fn out_of_bounds(what: &str, found: u64, bound: u64) -> AuditError {
    AuditError::Request(AuditRequestError::OutOfBounds { what: what.to_owned(), found, bound })
}
