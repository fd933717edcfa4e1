//! Candid, where the platform's canisters decode what strangers send: with the quotas that they have.

use super::truth::Truth;
use crate::mutation::Shape;
use crate::target::{Target, Verdict};
use cairn_events::question::{Answer, Question};
use cairn_events::{Amount, Expected, Hash, Submission};
use cairn_kit::api::audit::{AppendArgs, AuditError, EventPage, EventQuery, Filter, Order, Seen, WireSubmission};
use cairn_kit::api::backend::{AgreedPrice, CreateTokenArgs, TokenArgs};
use cairn_kit::api::http::HttpRequest;
use cairn_kit::runtime::decode_bounded;
use candid::utils::{ArgumentDecoder, decode_args_with_config};
use candid::{CandidType, DecoderConfig, encode_args};
use icrc_ledger_types::icrc1::transfer::TransferArg;
use serde::de::DeserializeOwned;

/// Bytes of an argument that are decoded at all.
const MAX: usize = 1_000_000;
/// Work that decoding may cost, as the canisters have it.
const QUOTA: usize = MAX * 20;

/// A byte that says what it is, and an argument.
pub struct Arguments {
    corpus: Vec<Vec<u8>>,
}

fn one<T: CandidType + DeserializeOwned>(bytes: &[u8]) -> bool {
    decode_bounded::<T>(bytes, MAX).is_ok()
}

fn several<T: for<'a> ArgumentDecoder<'a>>(bytes: &[u8]) -> Option<T> {
    let mut config = DecoderConfig::new();
    config.set_decoding_quota(QUOTA).set_skipping_quota(QUOTA).set_full_error_message(false);
    decode_args_with_config(bytes, &config).ok()
}

/// Decodes what the first byte says, as a canister does.
fn decode(what: u8, bytes: &[u8]) -> bool {
    match what % 8 {
        0 => several::<(AppendArgs, Option<Seen>)>(bytes)
            .is_some_and(|(args, _)| args.submissions.into_iter().all(|wire| Submission::try_from(wire).is_ok())),
        1 => several::<(CreateTokenArgs, String)>(bytes).is_some(),
        2 => several::<(EventQuery, Option<Seen>)>(bytes).is_some(),
        3 => one::<Question>(bytes),
        4 => one::<Result<Answer, AuditError>>(bytes),
        5 => one::<Result<EventPage, AuditError>>(bytes),
        6 => one::<HttpRequest>(bytes),
        _ => one::<TransferArg>(bytes),
    }
}

impl Arguments {
    pub fn new() -> anyhow::Result<Arguments> {
        let truth = Truth::new();
        let submissions = truth.log.events.iter().take(5).map(|event| {
            WireSubmission::from(&Submission {
                expected: Expected::Exact(3),
                ..Submission::new(event.actor, event.payload.clone())
            })
        });
        let append = AppendArgs { first_seq: 1, submissions: submissions.collect() };
        let question = truth.questions()[1].clone();
        let proof = cairn_events::answer::answer(&truth.records(), &question).unwrap_or_default();
        let query = EventQuery {
            filter: Filter::Topic(
                question.topics().first().copied().unwrap_or(cairn_events::Topic::Party(truth.log.canister)),
            ),
            order: Order::OldestFirst,
            from_time: Some(1),
            until_time: None,
            cursor: Some(7),
            limit: 20,
        };
        let page = EventPage {
            events: proof.events.clone(),
            archived: None,
            next: Some(3),
            log_length: 9,
            topic_head: None,
            last: None,
        };
        let account = cairn_events::payload::Account { owner: truth.log.canister, subaccount: None };
        let token = TokenArgs {
            name: "Name".to_owned(),
            symbol: "SYM".to_owned(),
            decimals: 8,
            logo: None,
            transfer_fee: Amount(10),
            total_supply: Amount(1 << 70),
            initial_balances: vec![(account, Amount(1 << 70))],
            minting_account: Some(account),
            description: None,
            public: true,
        };
        let agreed = AgreedPrice { ledger: truth.log.canister, max_price: Amount(9), template: Some(Hash([3; 32])) };
        let create = CreateTokenArgs { token, agreed, from_subaccount: None, billing_reference: None };
        let http = HttpRequest {
            method: "GET".to_owned(),
            url: "/metrics".to_owned(),
            headers: vec![("a".to_owned(), "b".to_owned())],
            body: vec![1, 2].into(),
        };
        let transfer = TransferArg {
            from_subaccount: None,
            to: icrc_ledger_types::icrc1::account::Account { owner: truth.log.canister, subaccount: Some([1; 32]) },
            fee: Some(1_u8.into()),
            created_at_time: Some(2),
            memo: None,
            amount: (1_u128 << 90).into(),
        };
        let seen = truth.log.events.last().map(|event| Seen { index: event.index, hash: event.hash() });
        let valid = [
            encode_args((append, seen))?,
            encode_args((create, "request"))?,
            encode_args((query, seen))?,
            encode_args((question,))?,
            encode_args((Ok::<_, AuditError>(proof),))?,
            encode_args((Ok::<_, AuditError>(page),))?,
            encode_args((http,))?,
            encode_args((transfer,))?,
        ];
        Ok(Arguments { corpus: (0..).zip(valid).map(|(what, bytes)| [vec![what], bytes].concat()).collect() })
    }
}

impl Target for Arguments {
    fn name(&self) -> &'static str {
        "argument"
    }

    fn corpus(&self) -> &[Vec<u8>] {
        &self.corpus
    }

    fn shape(&self) -> Shape {
        Shape::Bytes
    }

    fn memory(&self, length: usize) -> u64 {
        // A few bytes may say that a list is long: the quota bounds it.
        64 * 1024 * 1024 + 256 * length as u64
    }

    fn check(&self, input: &[u8]) -> Result<Verdict, String> {
        let Some((what, bytes)) = input.split_first() else { return Ok(Verdict::Refused) };
        Ok(if decode(*what, bytes) { Verdict::Accepted } else { Verdict::Refused })
    }
}
