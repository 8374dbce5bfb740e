/** A round by its id, as it is kept. */
import { readRounds, type KeptRound } from '@mabeam/coordination';
import { commandError } from '../../errors.ts';
import type { Place } from '../../session.ts';

/** The round. Throws `unknown-round` and `invalid-id`. */
export async function keptRound({ bus, space }: Place, id: string): Promise<KeptRound> {
  const [round] = await readRounds(bus, space, id);
  if (round !== undefined) return round;
  const message = `there is no round ${id} in ${space}, or it is kept no longer; see mabeam round list`;
  throw commandError('unknown-round', message, { details: { round: id, space } });
}
