//! The log of a canister ("IC method fetch_canister_logs").

use super::{decode, encode};
use crate::canister::Canister;
use crate::canisters::Canisters;
use crate::execution::Response;
use crate::log::LogLine;
use crate::reject::Reject;
use candid::Principal;
use ic_management_canister_types::{
    CanisterLogFilter, CanisterLogRecord, FetchCanisterLogsArgs, FetchCanisterLogsResult, LogVisibility,
};

impl Canisters {
    /// The lines a canister keeps, oldest first.
    pub(super) fn logs(&self, caller: Principal, arg: &[u8]) -> Response {
        let args: FetchCanisterLogsArgs = decode(arg)?;
        let id = args.canister_id;
        let canister = self.get(&id).ok_or_else(|| Reject::canister_not_found(id))?;
        if !canister.shows_logs_to(caller) {
            return Err(Reject::system(
                406,
                format_args!("Caller {caller} is not allowed to query ic00 method fetch_canister_logs"),
            ));
        }
        let passes = |line: &&LogLine| args.filter.as_ref().is_none_or(|filter| passes(filter, line));
        let records = canister.log.lines().filter(passes).map(|line| CanisterLogRecord {
            idx: line.index,
            timestamp_nanos: line.time,
            content: line.content.clone(),
        });
        encode(&FetchCanisterLogsResult { canister_log_records: records.collect() })
    }
}

fn passes(filter: &CanisterLogFilter, line: &LogLine) -> bool {
    match *filter {
        CanisterLogFilter::ByIdx { start, end } => (start..end).contains(&line.index),
        CanisterLogFilter::ByTimestampNanos { start, end } => (start..end).contains(&line.time),
    }
}

impl Canister {
    fn shows_logs_to(&self, caller: Principal) -> bool {
        let visible = match &self.settings.log_visibility {
            LogVisibility::Controllers => false,
            LogVisibility::Public => true,
            LogVisibility::AllowedViewers(viewers) => viewers.contains(&caller),
        };
        visible || self.controllers.contains(&caller)
    }
}
