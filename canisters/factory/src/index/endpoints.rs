//! The endpoints that contracts are found by.

/// Defines them for contracts of `$kind`.
#[macro_export]
macro_rules! index_endpoints {
    ($kind:ty) => {
        fn listed(reply: $crate::index::reply::Contracts) -> Vec<u8> {
            $crate::index::reply::contracts(reply)
        }

        fn found(reply: $crate::index::reply::Named) -> Vec<u8> {
            $crate::index::reply::named(reply)
        }

        /// The contracts that `user` made or, with a role, that say `user` has it; of one status, if it is given. The newest
        /// first, at most 100, with the count of all. For everyone: users see all of their own, others what is public and
        /// not hidden. The log itself is public: whoever reads it all knows more.
        #[ic_cdk::query(name = "getMyContracts", encode_with = "listed", hidden = true)]
        #[candid::candid_method(query, rename = "getMyContracts")]
        fn get_my_contracts(
            user: ::cairn_events::Principal,
            cursor: Option<::cairn_projections::Moment>,
            limit: Option<u32>,
            role: Option<::cairn_kit::api::factory::ContractRole>,
            status: Option<::cairn_events::payload::ContractStatus>,
        ) -> Result<
            ::cairn_kit::api::host::Reflected<
                ::cairn_projections::contracts::Listed<::cairn_projections::contracts::Contract>,
            >,
            ::cairn_kit::api::factory::FactoryError,
        > {
            let role = role.unwrap_or(::cairn_kit::api::factory::ContractRole::Creator);
            $crate::index::mine::<$kind>((ic_cdk::api::msg_caller(), user), (role, status), cursor, limit)
        }

        /// The contracts that strangers may see; of one status, if it is given. The newest first, at most 100, with the
        /// count of all. For everyone.
        #[ic_cdk::query(name = "getPublicContracts", encode_with = "listed", hidden = true)]
        #[candid::candid_method(query, rename = "getPublicContracts")]
        fn get_public_contracts(
            cursor: Option<::cairn_projections::Moment>,
            limit: Option<u32>,
            status: Option<::cairn_events::payload::ContractStatus>,
        ) -> Result<
            ::cairn_kit::api::host::Reflected<
                ::cairn_projections::contracts::Listed<::cairn_projections::contracts::Contract>,
            >,
            ::cairn_kit::api::factory::FactoryError,
        > {
            $crate::index::public::<$kind>(status, cursor, limit)
        }

        fn find_arguments(bytes: Vec<u8>) -> (String, Option<::cairn_projections::contracts::NameCursor>, Option<u32>) {
            $crate::endpoints::decode(&bytes, $crate::endpoints::MAX_QUESTION)
        }

        /// The contracts that strangers may see whose names begin with `prefix`, in either case; at most 16 bytes of it. In
        /// the order of their names, at most 100, with the count of all. For everyone.
        #[ic_cdk::query(name = "findContracts", decode_with = "find_arguments", encode_with = "found", hidden = true)]
        #[candid::candid_method(query, rename = "findContracts")]
        fn find_contracts(
            prefix: String,
            cursor: Option<::cairn_projections::contracts::NameCursor>,
            limit: Option<u32>,
        ) -> Result<
            ::cairn_kit::api::host::Reflected<
                ::cairn_projections::contracts::Listed<
                    ::cairn_projections::contracts::Contract,
                    ::cairn_projections::contracts::NameCursor,
                >,
            >,
            ::cairn_kit::api::factory::FactoryError,
        > {
            $crate::index::find::<$kind>(&prefix, cursor.as_ref(), limit)
        }

        fn symbol_arguments(bytes: Vec<u8>) -> (String, Option<::cairn_projections::Moment>, Option<u32>) {
            $crate::endpoints::decode(&bytes, $crate::endpoints::MAX_QUESTION)
        }

        /// The contracts that strangers may see with this symbol, in either case. The newest first, at most 100, with the
        /// count of all. For everyone.
        #[ic_cdk::query(
            name = "getContractsBySymbol",
            decode_with = "symbol_arguments",
            encode_with = "listed",
            hidden = true
        )]
        #[candid::candid_method(query, rename = "getContractsBySymbol")]
        fn get_contracts_by_symbol(
            symbol: String,
            cursor: Option<::cairn_projections::Moment>,
            limit: Option<u32>,
        ) -> Result<
            ::cairn_kit::api::host::Reflected<
                ::cairn_projections::contracts::Listed<::cairn_projections::contracts::Contract>,
            >,
            ::cairn_kit::api::factory::FactoryError,
        > {
            $crate::index::by_symbol::<$kind>(&symbol, cursor, limit)
        }

        /// The contracts that strangers may see that are about the ledger `token`. The newest first, at most 100, with the
        /// count of all. For everyone.
        #[ic_cdk::query(name = "getContractsByToken", encode_with = "listed", hidden = true)]
        #[candid::candid_method(query, rename = "getContractsByToken")]
        fn get_contracts_by_token(
            token: ::cairn_events::Principal,
            cursor: Option<::cairn_projections::Moment>,
            limit: Option<u32>,
        ) -> Result<
            ::cairn_kit::api::host::Reflected<
                ::cairn_projections::contracts::Listed<::cairn_projections::contracts::Contract>,
            >,
            ::cairn_kit::api::factory::FactoryError,
        > {
            $crate::index::by_token::<$kind>(token, cursor, limit)
        }

        /// Those to whom a contract gives roles, but for those who are hidden; at most 100, with the count of all. Only for
        /// the contract's owner, for whom it gives a role, and for the contract itself.
        #[ic_cdk::query(name = "getContractRoles")]
        fn get_contract_roles(
            contract: ::cairn_events::Principal,
            cursor: Option<::cairn_projections::contracts::RoleCursor>,
            limit: Option<u32>,
        ) -> Result<
            ::cairn_kit::api::host::Reflected<
                ::cairn_projections::contracts::Listed<
                    ::cairn_projections::contracts::Assignment,
                    ::cairn_projections::contracts::RoleCursor,
                >,
            >,
            ::cairn_kit::api::factory::FactoryError,
        > {
            $crate::index::roles::<$kind>(ic_cdk::api::msg_caller(), contract, cursor, limit)
        }
    };
}
