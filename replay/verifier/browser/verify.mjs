// `cairn verify` as a WebAssembly module, for browsers and Node alike.

/** The verifier, from the bytes of the module. */
export const load = async (bytes) => {
  const { instance } = await WebAssembly.instantiate(bytes, {});
  const { memory, room, verify, verdict_length: verdictLength } = instance.exports;
  // Numbers of a module are signed: its memory has places beyond the largest of them.
  const bytesAt = (place, length) => new Uint8Array(memory.buffer, place >>> 0, length >>> 0);

  return {
    /**
     * What `cairn verify` says of a file (Uint8Array) under a policy (text), at a time (BigInt, since 1970):
     * `{ exit: 0, events, complete: [from, until], hashes }`, or `{ exit, why }`.
     */
    verify(file, policy, nowNanoseconds) {
      const trusted = new TextEncoder().encode(policy);
      const length = file.length + trusted.length;
      const place = length < 2 ** 32 ? room(file.length, trusted.length) : 0;
      if (place === 0) throw new RangeError('the file is larger than the memory of a module');
      const input = bytesAt(place, length);
      input.set(file);
      input.set(trusted, file.length);
      const verdict = verify(nowNanoseconds);
      return JSON.parse(new TextDecoder().decode(bytesAt(verdict, verdictLength())));
    },
  };
};
