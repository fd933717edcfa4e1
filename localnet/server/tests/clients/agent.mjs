// The standard agent in JavaScript with its default settings. Usage: agent.mjs PART URL ROOT_KEY CANISTER
import assert from 'node:assert/strict';
import { Actor, CanisterStatus, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import { Principal } from '@icp-sdk/core/principal';

const [part, host, rootKeyHex, canisterId] = process.argv.slice(2);
const rootKey = Uint8Array.from(Buffer.from(rootKeyHex, 'hex'));

const counter = ({ IDL }) =>
  IDL.Service({
    add: IDL.Func([IDL.Nat64], [IDL.Nat64], []),
    get: IDL.Func([], [IDL.Nat64], ['query']),
    whoami: IDL.Func([], [IDL.Principal], ['query']),
    identify: IDL.Func([], [IDL.Principal], []),
    fails: IDL.Func([], [], []),
  });

const actor = async (options, pollingOptions) => {
  const agent = await HttpAgent.create({ host, ...options });
  return Actor.createActor(counter, { agent, canisterId, ...(pollingOptions && { pollingOptions }) });
};

const recognised = async (identity) => {
  const canister = await actor({ rootKey, identity });
  const sender = identity.getPrincipal().toText();
  assert.equal((await canister.whoami()).toText(), sender);
  assert.equal((await canister.identify()).toText(), sender);
};

const parts = {
  works: async () => {
    const canister = await actor({ rootKey });
    assert.equal(await canister.get(), 0n);
    assert.equal(await canister.add(2n), 2n);
    assert.equal(await canister.add(3n), 5n);
    assert.equal(await canister.get(), 5n);
    // Version 6.1.0 cannot print a rejection that it had to poll for: it looks for a `subnetId`.
    await assert.rejects(canister.fails(), /on purpose|subnetId/);
    assert.equal(await (await actor({ shouldFetchRootKey: true })).get(), 5n);

    const agent = await HttpAgent.create({ host, rootKey });
    const status = await CanisterStatus.request({
      agent,
      canisterId: Principal.fromText(canisterId),
      paths: ['controllers', 'module_hash', 'candid', 'time', 'subnet'],
    });
    assert.equal(status.get('controllers').length, 1);
    assert.equal(status.get('module_hash').length, 64);
    assert.match(status.get('candid'), /service/);
    assert.equal(status.get('subnet').nodeKeys.size, 1);
  },

  identities: async () => {
    const ed25519 = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(1));
    await recognised(ed25519);
    await recognised(Secp256k1KeyIdentity.generate(new Uint8Array(32).fill(2)));
    const ecdsa = await ECDSAKeyIdentity.generate();
    await recognised(ecdsa);
    const chain = await DelegationChain.create(ed25519, ecdsa.getPublicKey(), new Date(Date.now() + 3600_000), {
      targets: [Principal.fromText(canisterId)],
    });
    await recognised(DelegationIdentity.fromDelegation(ecdsa, chain));
  },

  // Somebody changes what the network says. What is verified is the default; only its patience is not.
  refuses: async () => {
    const impatient = { rootKey, retryTimes: 0 };
    const once = { strategy: async () => assert.fail('nothing to be believed') };
    const refused = (error) => !/fetch failed|timed out/.test(String(error));
    await assert.rejects((await actor(impatient, once)).get(), refused);
    await assert.rejects((await actor(impatient, once)).add(2n), refused);
  },

  // Without any key given, the agent believes the main network only.
  mainnet: async () => {
    const canister = await actor({});
    await assert.rejects(canister.get());
    await assert.rejects(canister.add(2n));
  },
};

await parts[part]();
process.exit(0);
