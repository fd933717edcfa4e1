//! Names that strangers write: of versions, streams, kinds, services and hashes. Each has one spelling.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict, ensure};
use cairn_events::topic::Service;
use cairn_events::{Hash, Kind, Stream, Version};

/// Names.
pub struct Names {
    corpus: Vec<Vec<u8>>,
}

impl Names {
    pub fn new() -> Names {
        let mut names = vec!["0.0.0".to_owned(), "1.20.3".to_owned(), "4294967295.10.99".to_owned()];
        names.extend(Truth::new().log.events.iter().map(|event| event.stream.to_string()));
        names.extend([Stream::Platform, Stream::Log].map(|stream| stream.to_string()));
        names.extend(Kind::ALL.iter().map(|kind| kind.btype().to_owned()));
        names.extend(Service::ALL.map(|service| service.name().to_owned()));
        names.push(Hash([0xa7; 32]).to_string());
        names.sort_unstable();
        names.dedup();
        Names { corpus: names.into_iter().map(String::into_bytes).collect() }
    }
}

/// How whatever a text names is spelled.
fn spellings(text: &str) -> Vec<String> {
    let version = text.parse::<Version>().ok().map(|version| version.to_string());
    let stream = text.parse::<Stream>().ok().map(|stream| stream.to_string());
    let kind = Kind::from_btype(text).map(|kind| kind.btype().to_owned());
    let service = Service::from_name(text).map(|service| service.name().to_owned());
    [version, stream, kind, service].into_iter().flatten().collect()
}

impl Target for Names {
    fn name(&self) -> &'static str {
        "name"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
        let spellings = spellings(text);
        ensure(spellings.iter().all(|spelling| spelling == text), || format!("{text:?} for {spellings:?}"))?;
        // Of hashes, people may write the digits in upper case, too.
        let hash = Hash::from_hex(text).map(|hash| hash.to_string());
        ensure(hash.as_ref().is_none_or(|hash| hash.eq_ignore_ascii_case(text)), || format!("{text:?} for {hash:?}"))?;
        let known = !spellings.is_empty() || hash.is_some();
        Ok(if known { Verdict::Accepted } else { Verdict::Refused })
    }
}
