use super::*;
use ic_stable_structures::Memory as _;
use ic_stable_structures::memory_manager::{MemoryId, MemoryManager};

fn memory() -> Memory {
    MemoryManager::init(DefaultMemoryImpl::default()).get(MemoryId::new(0))
}

fn round_trip<K: Storable + Clone + PartialEq + std::fmt::Debug>(key: K) {
    let bytes = key.to_bytes_checked().into_owned();
    assert_eq!(K::from_bytes(Cow::Owned(bytes)), key);
}

#[test]
fn keys_round_trip_within_their_bounds() {
    for principal in [Principal::management_canister(), Principal::anonymous(), Principal::from_slice(&[7; 29])] {
        round_trip(PrincipalKey(principal));
        round_trip(PrincipalNumberKey(principal, u64::MAX));
    }
    round_trip(HashKey(Hash([1; 32])));
    round_trip(DeploymentKey(DeploymentId(Hash([2; 32]))));
    round_trip(Cbor((1u64, "text".to_owned())));
}

#[test]
fn a_slot_leaves_nothing_behind() {
    let memory = memory();
    let slot = Slot::<Vec<u8>>::open(memory.clone());
    assert_eq!(slot.get(), Vec::<u8>::new());
    slot.set(&vec![0x77; 200_000]);
    assert_eq!(Slot::<Vec<u8>>::open(memory.clone()).get().len(), 200_000);
    slot.set(&vec![1, 2]);
    assert_eq!(slot.get(), vec![1, 2]);
    let mut raw = vec![0; memory.size() as usize * 65_536];
    memory.read(0, &mut raw);
    assert!(!raw.contains(&0x77));
}
