//! Parts of exports: what an interrupted download has left behind.

use super::folder::Folder;
use super::truth::Truth;
use crate::mutation::Shape;
use crate::sample::{Claim, events, first};
use crate::target::{Target, Verdict, ensure};
use cairn::download::Download;
use cairn_verifier::{Form, verify, verify_answer};
use serde_bytes::ByteBuf;
use std::fs;
use std::path::Path;

/// Files with an end of a log, and the first events that lead up to it.
pub struct Parts {
    truth: Truth,
    folder: Folder,
    /// Those of the log, all of them.
    events: Vec<ByteBuf>,
    corpus: Vec<Vec<u8>>,
}

impl Parts {
    pub fn new() -> anyhow::Result<Parts> {
        let (truth, folder) = (Truth::new(), Folder::new()?);
        let events: Vec<ByteBuf> = events(&truth.log).into_iter().map(ByteBuf::from).collect();
        let (path, all) = (folder.own(), events.len());
        let mut corpus = Vec::new();
        for (size, known) in [(4, 0), (4, 4), (9, 6), (all, 5), (all, all)] {
            let claim = Claim::of(&first(&truth.log, size));
            Download::begin(&path, claim.hash_tree(), claim.certificate())?.add(&events[..known], size as u64)?;
            corpus.push(fs::read(&path)?);
        }
        // One that ends in the middle of an event.
        let cut = corpus[2].len() - 9;
        corpus.push(corpus[2][..cut].to_vec());
        fs::remove_file(path)?;
        Ok(Parts { truth, folder, events, corpus })
    }

    /// What is missing comes: then there is the true export, or one that is refused.
    fn finish(&self, mut part: Download) -> Result<Verdict, String> {
        let policy = &self.truth.policy;
        let Ok(end) = verify_answer(&Truth::end_of_log(), &part.end(), policy, None) else {
            return Ok(Verdict::Refused);
        };
        let known = usize::try_from(part.length()).unwrap_or(usize::MAX);
        let missing = self.events.get(known..).unwrap_or_default();
        part.add(missing, end.tip.size).map_err(|error| error.to_string())?;
        let export = part.export();
        let true_ones = self.events.iter().take(end.tip.size as usize).map(|event| event.as_slice());
        let is_true = export.events.iter().map(|event| &**event).eq(true_ones);
        let bytes = Form::Binary.write(&export).map_err(|error| error.to_string())?;
        let verdict = verify(&bytes, policy);
        ensure(verdict.is_ok() == is_true, || format!("true: {is_true}, verified: {verdict:?}"))?;
        Ok(Verdict::from(&verdict))
    }
}

/// That a part which was taken up can be taken up again.
fn again(path: &Path, part: &Download) -> Result<(), String> {
    let again = Download::resume(path).map_err(|error| error.to_string())?;
    let is_same = again.is_some_and(|again| again.length() == part.length() && again.end() == part.end());
    ensure(is_same, || "it is another part when it is taken up again".to_owned())
}

impl Target for Parts {
    fn name(&self) -> &'static str {
        "part"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Sections { counted: false }
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let path = self.folder.own();
        fs::write(&path, input).map_err(|error| error.to_string())?;
        let resumed = Download::resume(&path);
        let kept = fs::read(&path).map_err(|error| error.to_string())?;
        let Ok(Some(part)) = resumed else {
            ensure(kept == input, || "a file that cannot be taken up is changed".to_owned())?;
            return Ok(Verdict::Refused);
        };
        ensure(input.starts_with(&kept), || "more than what was cut off is changed".to_owned())?;
        again(&path, &part)?;
        self.finish(part)
    }
}
