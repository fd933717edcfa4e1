// A counter that counts by update, timer and self-call, and keeps its number across upgrades.
import { setTimer } "mo:⛔";

persistent actor Counter {
  var count : Nat = 0;

  public func add(amount : Nat) : async Nat {
    count += amount;
    count
  };

  public func addTwice(amount : Nat) : async Nat {
    ignore await add(amount);
    await add(amount)
  };

  public func addEverySecond() : async () {
    ignore setTimer<system>(1_000_000_000, true, func() : async () { count += 1 })
  };

  public func addOnceInAMinute(amount : Nat) : async () {
    ignore setTimer<system>(60_000_000_000, false, func() : async () { count += amount })
  };

  public func fail() : async () {
    count += 1_000;
    assert false
  };

  public query func get() : async Nat { count }
}
