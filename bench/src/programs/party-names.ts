/** What both ends of the benchmarks of rounds agree on. */

/** Where bare responders answer. */
export const bareSubject = 'bench.party';
/** Where they answer with a signature of what they were asked. */
export const signedSubject = 'bench.party.signed';
/** What is signed there. */
export const signedPurpose = 'bench';
/** Where an outcome is kept by hand. */
export const keptSubject = 'bench.rounds.kept';

/** The ledger that they sign. */
export const ledgerId = 'blocks';

/** The id of the n-th party. */
export function partyId(n: number): string {
  return `party-${n}`;
}
