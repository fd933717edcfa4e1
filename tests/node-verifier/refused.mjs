// Why something is refused, by the exit codes of `cairn verify`.

export const MALFORMED = 2;
export const UNTRUE = 3;
export const CERTIFICATE = 4;
export const POLICY = 5;
export const STALE = 7;

export class Refused extends Error {
  constructor(exit, why) {
    super(why);
    this.exit = exit;
  }
}

/** Refuses unless something holds. */
export const ensure = (holds, exit, why) => {
  if (!holds) throw new Refused(exit, why);
};
