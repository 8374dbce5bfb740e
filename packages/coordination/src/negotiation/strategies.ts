/** The six strategies by name. */
import { coordinationError } from '../errors.ts';
import { auction } from './auction.ts';
import { consensus } from './consensus.ts';
import { genetic } from './genetic.ts';
import { hierarchical } from './hierarchical.ts';
import { marketBased } from './market.ts';
import type { Strategy } from './strategy.ts';
import { weightedConsensus } from './weighted-consensus.ts';

/** The names of our strategies. */
export const strategyNames = [
  'weighted-consensus',
  'auction',
  'consensus',
  'hierarchical',
  'market-based',
  'genetic',
] as const;

/** The name of one of our strategies. */
export type StrategyName = (typeof strategyNames)[number];

const makers: Readonly<Record<StrategyName, () => Strategy>> = {
  'weighted-consensus': weightedConsensus,
  auction,
  consensus,
  hierarchical,
  'market-based': marketBased,
  genetic,
};

/** The strategy of a name; underscores are read as hyphens. Throws `unknown-strategy`. */
export function strategyNamed(name: string): Strategy {
  const wanted = name.replaceAll('_', '-');
  const known = strategyNames.find((each) => each === wanted);
  if (known !== undefined) return makers[known]();
  const message = `there is no strategy "${name}"; choose one of ${strategyNames.join(', ')}`;
  throw coordinationError('unknown-strategy', message, { details: { strategy: name } });
}
