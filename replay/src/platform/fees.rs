//! The fee token in people's hands.

use super::{Platform, account};
use anyhow::{Context, Result, bail};
use cairn_events::payload::Account;
use cairn_events::{Amount, Principal, Value};
use candid::{CandidType, Deserialize, Nat};
use icrc_ledger_types::icrc1::account::Account as LedgerAccount;
use icrc_ledger_types::icrc1::transfer::{TransferArg, TransferError};
use icrc_ledger_types::icrc2::approve::{ApproveArgs, ApproveError};
use icrc_ledger_types::icrc3::blocks::GetBlocksRequest;

/// Most blocks that are asked for at once.
const PAGE: u64 = 500;

/// Answer of `icrc3_get_blocks`, as far as it is read.
#[derive(CandidType, Deserialize)]
struct Blocks {
    log_length: Nat,
    blocks: Vec<Block>,
}

#[derive(CandidType, Deserialize)]
struct Block {
    block: Value,
}

impl Platform {
    /// What one token costs its creator: the price and two ledger fees.
    pub fn cost(&self) -> Amount {
        Amount(self.price.0 + 2 * self.ledger_fee.0)
    }

    /// Gives `owner` what `contracts` tokens cost, and has it approved. The approval's own fee is covered, too.
    ///
    /// # Errors
    /// The ledger refused.
    pub fn afford(&mut self, owner: Principal, contracts: u128) -> Result<()> {
        let allowance = Amount(self.cost().0 * contracts);
        self.fund(owner, Amount(allowance.0 + self.ledger_fee.0))?;
        self.approve(owner, allowance)
    }

    /// Mints `amount` for `owner`.
    ///
    /// # Errors
    /// The ledger refused.
    pub fn fund(&mut self, owner: Principal, amount: Amount) -> Result<()> {
        self.transfer(self.admin, account(owner), amount).map(drop)
    }

    /// Moves `amount` of the fee token; the block's index.
    ///
    /// # Errors
    /// The ledger refused.
    pub fn transfer(&mut self, from: Principal, to: Account, amount: Amount) -> Result<u64> {
        self.transfer_on(self.ledger, from, to, amount)
    }

    /// Moves `amount` of the token of `ledger`; the block's index.
    ///
    /// # Errors
    /// The ledger refused.
    pub fn transfer_on(&mut self, ledger: Principal, from: Principal, to: Account, amount: Amount) -> Result<u64> {
        let argument = TransferArg {
            from_subaccount: None,
            to: ledger_account(to),
            fee: None,
            created_at_time: None,
            memo: None,
            amount: Nat::from(amount.0),
        };
        let block = self.call::<Nat, TransferError>(ledger, from, "icrc1_transfer", (argument,))?;
        u64::try_from(block.0).context("a block's index")
    }

    /// Lets the backend take up to `amount` from the default account of `owner`.
    ///
    /// # Errors
    /// The ledger refused.
    pub fn approve(&mut self, owner: Principal, amount: Amount) -> Result<()> {
        let argument = ApproveArgs {
            from_subaccount: None,
            spender: ledger_account(account(self.backend)),
            amount: Nat::from(amount.0),
            expected_allowance: None,
            expires_at: None,
            fee: None,
            memo: None,
            created_at_time: None,
        };
        self.call::<Nat, ApproveError>(self.ledger, owner, "icrc2_approve", (argument,)).map(drop)
    }

    /// The balance of an account of the fee ledger.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub fn balance(&mut self, of: Account) -> Result<Amount> {
        self.balance_at(self.ledger, of)
    }

    /// The balance of an account of any ledger.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub fn balance_at(&mut self, ledger: Principal, of: Account) -> Result<Amount> {
        let argument = (ledger_account(of),);
        let balance: Nat = self.net.query(ledger, Principal::anonymous(), "icrc1_balance_of", argument)?;
        Ok(Amount(u128::try_from(balance.0).context("a balance")?))
    }

    /// The fee ledger's blocks, in the generic form of ICRC-3.
    ///
    /// # Errors
    /// The ledger does not answer.
    pub fn blocks(&mut self) -> Result<Vec<Value>> {
        let mut blocks: Vec<Value> = Vec::new();
        loop {
            let request = GetBlocksRequest { start: Nat::from(blocks.len()), length: Nat::from(PAGE) };
            let page: Blocks =
                self.net.query(self.ledger, Principal::anonymous(), "icrc3_get_blocks", (vec![request],))?;
            let length = usize::try_from(page.log_length.0).context("the number of blocks")?;
            if page.blocks.is_empty() && blocks.len() < length {
                bail!("the ledger gives no blocks after {} of {length}", blocks.len());
            }
            blocks.extend(page.blocks.into_iter().map(|block| block.block));
            if blocks.len() >= length {
                return Ok(blocks);
            }
        }
    }
}

fn ledger_account(account: Account) -> LedgerAccount {
    LedgerAccount { owner: account.owner, subaccount: account.subaccount.map(|subaccount| subaccount.0) }
}
